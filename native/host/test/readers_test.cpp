// Harvests, observers and vocabularies.
#include <algorithm>
#include <cmath>
#include <cstring>
#include <fstream>
#include <sstream>

#include "host_fixture.h"

namespace coxswain::host::test {
namespace {

namespace fs = std::filesystem;
using coxswain::sized;

class ReadersTest : public HostTest {
 protected:
  coxswain::Lane lane{engine()};
};

std::string text(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream all;
  all << file.rdbuf();
  return all.str();
}

// A tensor's elements, read from a safetensors file by the format's own rules.
template <typename Element>
std::vector<Element> tensor(const fs::path& path, const std::string& name) {
  std::string bytes = text(path);
  uint64_t headerBytes = 0;
  std::memcpy(&headerBytes, bytes.data(), sizeof headerBytes);
  std::string header = bytes.substr(8, headerBytes);
  size_t entry = header.find("\"" + name + "\":");
  size_t offsets = header.find("\"data_offsets\":[", entry);
  if (entry == std::string::npos || offsets == std::string::npos)
    throw std::runtime_error("no " + name + " in " + header);
  unsigned long begin = 0, end = 0;
  if (std::sscanf(header.c_str() + offsets, "\"data_offsets\":[%lu,%lu]", &begin, &end) != 2) {
    throw std::runtime_error("no offsets in " + header);
  }
  std::vector<Element> values((end - begin) / sizeof(Element));
  std::memcpy(values.data(), bytes.data() + 8 + headerBytes + begin, end - begin);
  return values;
}

cox_harvest_options harvestOptions(const std::string& dir) {
  static const char* const pieces[] = {"<s>", " the", "\xe2\x82"};
  auto options = sized<cox_harvest_options>();
  options.dir = dir.c_str();
  options.model = "tiny.gguf";
  options.model_sha256 = "abc";
  options.layer = kLayer;
  options.width = kWidth;
  options.pieces = pieces;
  options.n_pieces = 3;
  return options;
}

TEST_F(ReadersTest, ShouldHarvestTheRowsOfPassesThatEndWell) {
  std::string dir = (scratch() / "harvest").string();
  coxswain::Harvest harvest(engine(), harvestOptions(dir));
  lane.harvest(&harvest);
  coxswain::Plan plan = add(3, 2);
  std::vector<float> x = randomRows(4, kWidth, seed());
  std::vector<float> y = x;
  lane.begin(
      {row(8, nullptr, 0), row(8, plan.get(), 1), row(0, nullptr, 0, COX_ROW_PAD), row(9, nullptr, 0)});
  EXPECT_TRUE(lane.wants(kLayer));
  ASSERT_TRUE(lane.layer(block(y.data(), 4)));
  lane.end();
  lane.begin({row(9, nullptr, 1)});
  ASSERT_TRUE(lane.layer(block(y.data(), 1)));
  lane.end(true);
  EXPECT_EQ(3u, lane.describe().harvested);
  EXPECT_EQ(3u, harvest.describe().rows);
  EXPECT_EQ(2u, harvest.describe().documents);
  harvest.finish();

  fs::path shard = fs::path(dir) / "00000.safetensors";
  std::vector<float> wanted(x.begin(), x.begin() + 2 * kWidth);
  wanted.insert(wanted.end(), x.begin() + 3 * kWidth, x.end());
  EXPECT_EQ(wanted, tensor<float>(shard, "x"));
  EXPECT_EQ((std::vector<int32_t>{1000, 1001, 1000}), tensor<int32_t>(shard, "token"));
  EXPECT_EQ((std::vector<int32_t>{0, 1, 0}), tensor<int32_t>(shard, "position"));
  EXPECT_EQ((std::vector<int64_t>{8, 8, 9}), tensor<int64_t>(shard, "document"));
  std::string json = text(fs::path(dir) / "harvest.json");
  EXPECT_NE(std::string::npos, json.find("\"tiny.gguf\"")) << json;
  EXPECT_NE(std::string::npos, json.find("\" the\"")) << json;
  lane.begin({row(9, nullptr, 1)});
  EXPECT_FALSE(lane.wants(kLayer));
  lane.end();
}

TEST_F(ReadersTest, ShouldLeaveNoHarvestWhenItIsAbandoned) {
  std::string dir = (scratch() / "abandoned").string();
  {
    coxswain::Harvest harvest(engine(), harvestOptions(dir));
  }
  EXPECT_FALSE(fs::exists(fs::path(dir) / "harvest.json"));
}

TEST_F(ReadersTest, ShouldRefuseBlocksThatDoNotFitTheHarvest) {
  std::string dir = (scratch() / "misfit").string();
  coxswain::Harvest harvest(engine(), harvestOptions(dir));
  lane.harvest(&harvest);
  std::vector<float> x = randomRows(1, kWidth, seed());
  lane.begin({row(1, nullptr, 0)});
  cox_block narrow = block(x.data(), 1, kWidth - 1);
  EXPECT_COX_ERROR(COX_ERROR_ARGUMENT, "the block has width 47", cox_layer(lane.get(), &narrow));
  lane.end();
  EXPECT_EQ(0u, harvest.describe().rows);
}

TEST_F(ReadersTest, ShouldSayWhyAHarvestCannotBeWritten) {
  std::string occupied = (scratch() / "occupied").string();
  std::ofstream(occupied) << "a file";
  cox_harvest_options options = harvestOptions(occupied);
  cox_harvest* harvest = nullptr;
  EXPECT_COX_ERROR(COX_ERROR_FILE, occupied, cox_harvest_open(engine().get(), &options, &harvest));
  options.pieces = nullptr;
  EXPECT_COX_ERROR(COX_ERROR_ARGUMENT, "pieces is NULL",
                   cox_harvest_open(engine().get(), &options, &harvest));
  options.width = 0;
  EXPECT_COX_ERROR(COX_ERROR_ARGUMENT, "width is 0", cox_harvest_open(engine().get(), &options, &harvest));
}

struct Seen {
  std::vector<std::vector<int>> features;
  std::vector<std::vector<float>> values;
  std::vector<uint64_t> requests;
};

void note(void* user, const cox_features* found) {
  Seen& seen = *static_cast<Seen*>(user);
  seen.features.emplace_back(found->indices, found->indices + found->n);
  seen.values.emplace_back(found->values, found->values + found->n);
  seen.requests.push_back(found->row->request);
}

// The k features of largest positive score, in double precision.
std::vector<int> strongest(const float* x, const Weights& weights) {
  std::vector<double> score(static_cast<size_t>(weights.features));
  std::vector<int> order;
  for (int f = 0; f < weights.features; ++f) {
    for (int e = 0; e < weights.width; ++e) score[f] += double{x[e]} * weights.row(f)[e];
    order.push_back(f);
  }
  std::sort(order.begin(), order.end(), [&](int a, int b) { return score[a] > score[b]; });
  order.resize(kActive);
  return order;
}

TEST_F(ReadersTest, ShouldReportActiveFeaturesBeforeAndAfterThePlans) {
  Seen before, after;
  lane.observe(sae(), kLayer, COX_BEFORE_PLANS, note, &before);
  lane.observe(sae(), kLayer, COX_AFTER_PLANS, note, &after);
  coxswain::Plan plan = add(33, 8);
  std::vector<float> x = randomRows(3, kWidth, seed());
  std::vector<float> y = x;
  lane.begin({row(5, plan.get(), 1), row(6, nullptr, 1, COX_ROW_PAD), row(7, nullptr, 1)});
  ASSERT_TRUE(lane.layer(block(y.data(), 3)));
  lane.end();
  EXPECT_EQ((std::vector<uint64_t>{5, 7}), before.requests);
  EXPECT_EQ(strongest(x.data(), weights()), before.features.at(0));
  EXPECT_EQ(strongest(&x[2 * kWidth], weights()), before.features.at(1));
  EXPECT_EQ(strongest(y.data(), weights()), after.features.at(0));
  EXPECT_EQ(33, after.features.at(0).at(0));
  EXPECT_EQ(before.values.at(1), after.values.at(1));
  lane.observe(sae(), kLayer, COX_BEFORE_PLANS, nullptr, nullptr);
  lane.observe(sae(), kLayer, COX_AFTER_PLANS, nullptr, nullptr);
  lane.begin({row(5, nullptr, 1)});
  EXPECT_FALSE(lane.wants(kLayer));
  lane.end();
}

TEST_F(ReadersTest, ShouldRefuseACallFromItsOwnCallback) {
  struct Reentry {
    cox_lane* lane;
    int status = COX_OK;
  } reentry{lane.get()};
  auto callBack = [](void* user, const cox_features*) {
    auto& own = *static_cast<Reentry*>(user);
    own.status = cox_end(own.lane, 0);
  };
  lane.observe(sae(), kLayer, COX_BEFORE_PLANS, callBack, &reentry);
  std::vector<float> x = randomRows(1, kWidth, seed());
  lane.begin({row(5, nullptr, 1)});
  EXPECT_TRUE(lane.layer(block(x.data(), 1)));
  EXPECT_EQ(COX_ERROR_STATE, reentry.status);
  EXPECT_COX_ERROR(COX_ERROR_STATE, "a pass is open", cox_lane_harvest(lane.get(), nullptr));
  lane.end();
}

cox_vocabulary_options vocabularyOptions(const std::string& out, int source) {
  auto options = sized<cox_vocabulary_options>();
  options.out = out.c_str();
  options.source = source;
  options.width = 4;
  return options;
}

TEST_F(ReadersTest, ShouldCentreAndScaleTemplateRows) {
  std::string out = (scratch() / "v.safetensors").string();
  coxswain::Vocabulary vocabulary(engine(), vocabularyOptions(out, COX_VOCABULARY_TEMPLATE));
  const float car[] = {3, 0, 0, 0}, tree[] = {1, 2, 0, 0}, bad[] = {1, NAN, 0, 0}, mean[] = {2, 1, 0, 0};
  vocabulary.add("car", car);
  vocabulary.drop("zzz", "two tokens");
  vocabulary.add("bad", bad);
  vocabulary.add("tree", tree);
  vocabulary.add("mean", mean);
  cox_vocabulary_info info = vocabulary.finish();
  EXPECT_EQ(2u, info.words);
  EXPECT_EQ(3u, info.dropped);
  float half = 20 / std::sqrt(2.0f);
  std::vector<float> e = tensor<float>(out, "e");
  ASSERT_EQ(8u, e.size());
  const float wanted[] = {half, -half, 0, 0, -half, half, 0, 0};
  for (size_t i = 0; i < 8; ++i) EXPECT_NEAR(wanted[i], e[i], 1e-5) << i;
  EXPECT_EQ("car\ntree\n", text(scratch() / "v.words.txt"));
  EXPECT_EQ("zzz\ttwo tokens\nbad\tits row is not finite\nmean\tits row is the vocabulary's mean\n",
            text(scratch() / "v.dropped.txt"));
}

TEST_F(ReadersTest, ShouldKeepUnembeddingRowsAndTheFinalNorm) {
  std::string out = (scratch() / "u.safetensors").string();
  const float norm[] = {1, 2, 3, 4};
  cox_vocabulary_options options = vocabularyOptions(out, COX_VOCABULARY_UNEMBEDDING);
  options.final_norm = norm;
  coxswain::Vocabulary vocabulary(engine(), options);
  const float row[] = {0.1f, -0.2f, 0.3f, 4};
  vocabulary.add("na\xc3\xafve", row);
  EXPECT_EQ(1u, vocabulary.finish().words);
  EXPECT_EQ(std::vector<float>(row, row + 4), tensor<float>(out, "e"));
  EXPECT_EQ(std::vector<float>(norm, norm + 4), tensor<float>(out, "g"));
}

TEST_F(ReadersTest, ShouldRefuseWordsThatAreNoLines) {
  std::string out = (scratch() / "w.safetensors").string();
  cox_vocabulary_options options = vocabularyOptions(out, COX_VOCABULARY_TEMPLATE);
  cox_vocabulary* vocabulary = nullptr;
  ASSERT_EQ(COX_OK, cox_vocabulary_open(engine().get(), &options, &vocabulary));
  const float row[] = {1, 2, 3, 4};
  EXPECT_COX_ERROR(COX_ERROR_ARGUMENT, "the word is NULL",
                   cox_vocabulary_add(vocabulary, nullptr, row, nullptr));
  EXPECT_COX_ERROR(COX_ERROR_ARGUMENT, "the word is empty", cox_vocabulary_add(vocabulary, "", row, nullptr));
  EXPECT_COX_ERROR(COX_ERROR_ARGUMENT, "holds a line break",
                   cox_vocabulary_add(vocabulary, "a\nb", row, nullptr));
  EXPECT_COX_ERROR(COX_ERROR_ARGUMENT, "the reason", cox_vocabulary_add(vocabulary, "a", nullptr, nullptr));
  EXPECT_COX_ERROR(COX_ERROR_DATA, "nothing to write", cox_vocabulary_finish(vocabulary, nullptr));
  EXPECT_COX_ERROR(COX_ERROR_STATE, "the vocabulary is closed", cox_vocabulary_abandon(vocabulary));
  EXPECT_FALSE(fs::exists(out));
  options.rho = -1;
  EXPECT_COX_ERROR(COX_ERROR_ARGUMENT, "rho is -1",
                   cox_vocabulary_open(engine().get(), &options, &vocabulary));
}

}  // namespace
}  // namespace coxswain::host::test
