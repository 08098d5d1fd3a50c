// What cox-llama computes without llama.cpp: reading documents, and distances of distributions.
#include <gtest/gtest.h>

#include <cmath>
#include <cstdio>
#include <fstream>
#include <random>

#include "../llama/distribution.h"
#include "../llama/documents.h"
#include "../llama/failure.h"

namespace coxllama {
namespace {

std::vector<float> randomLogits(std::mt19937& random, size_t n, float deviation) {
  std::normal_distribution<float> normal(0, deviation);
  std::vector<float> logits(n);
  for (float& logit : logits) {
    logit = normal(random);
  }
  return logits;
}

double referenceLogSum(const std::vector<float>& logits) {
  double max = *std::max_element(logits.begin(), logits.end());
  double sum = 0;
  for (float logit : logits) {
    sum += std::exp(logit - max);
  }
  return max + std::log(sum);
}

TEST(DistributionTest, shouldAgreeWithDoublePrecisionForEveryLength) {
  std::mt19937 random(std::random_device{}());
  for (size_t n : {1, 2, 15, 16, 17, 1000, 49152}) {
    for (float deviation : {0.1f, 3.f, 40.f}) {
      std::vector<float> p = randomLogits(random, n, deviation);
      std::vector<float> q = p;
      for (float& logit : q) {
        logit += std::normal_distribution<float>(0, 0.5f)(random);
      }
      double ofP = referenceLogSum(p);
      double ofQ = referenceLogSum(q);
      double kl = 0;
      for (size_t i = 0; i < n; i++) {
        kl += std::exp(p[i] - ofP) * ((p[i] - ofP) - (q[i] - ofQ));
      }
      SoftmaxStatistics sp = softmaxStatistics(p.data(), n);
      SoftmaxStatistics sq = softmaxStatistics(q.data(), n);
      EXPECT_NEAR(sp.max + sp.logSum, ofP, 1e-5);
      EXPECT_NEAR(klDivergence(p.data(), sp, q.data(), sq, n), kl, 1e-5 + 1e-5 * kl);
      EXPECT_NEAR(logProbability(p.data(), sp, n - 1), p[n - 1] - ofP, 1e-4);
    }
  }
}

TEST(DistributionTest, shouldFindNoDistanceOfADistributionFromItself) {
  std::mt19937 random(7);
  std::vector<float> p = randomLogits(random, 5000, 5);
  SoftmaxStatistics s = softmaxStatistics(p.data(), 5000);
  EXPECT_NEAR(klDivergence(p.data(), s, p.data(), s, 5000), 0, 1e-9);
}

class DocumentsTest : public testing::Test {
 protected:
  std::string write(const std::string& name, const std::string& content) {
    std::string path = testing::TempDir() + name;
    std::ofstream(path, std::ios::binary) << content;
    return path;
  }

  std::string failure(const std::string& path) {
    try {
      Documents documents({path});
      while (documents.next()) {
      }
    } catch (const Failure& e) {
      return e.what();
    }
    return "";
  }
};

TEST_F(DocumentsTest, shouldReadWholeFilesAndLines) {
  std::string text = write("a.txt", "first\nsecond\n");
  std::string lines = write("b.jsonl", "{\"text\":\"one\"}\n\n\"two\"\n{\"name\":1,\"text\":\"\xc3\xa9\"}");
  Documents documents({text, lines});
  EXPECT_EQ(documents.next(), "first\nsecond\n");
  EXPECT_EQ(documents.next(), "one");
  EXPECT_EQ(documents.next(), "two");
  EXPECT_EQ(documents.next(), "\xc3\xa9");
  EXPECT_EQ(documents.next(), std::nullopt);
}

TEST_F(DocumentsTest, shouldSayWhereATextIsWrong) {
  std::string path = write("c.jsonl", "{\"text\":\"fine\"}\n{\"text\":3}\n");
  EXPECT_EQ(failure(path), path + ", line 2: not a JSON object with a text 'text', nor a JSON text");
  path = write("d.txt", "ab\xff");
  EXPECT_EQ(failure(path), path + ": byte 2 is not valid UTF-8");
  EXPECT_EQ(failure("/no/such.txt"), "reading /no/such.txt: no such file or folder");
}

TEST_F(DocumentsTest, shouldKnowUtf8) {
  EXPECT_EQ(invalidUtf8("a\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80"), std::string::npos);
  EXPECT_EQ(invalidUtf8("\xc0\x80"), 0u);          // overlong
  EXPECT_EQ(invalidUtf8("a\xed\xa0\x80"), 1u);     // surrogate
  EXPECT_EQ(invalidUtf8("\xf4\x90\x80\x80"), 0u);  // beyond U+10FFFF
  EXPECT_EQ(invalidUtf8("ab\xe2\x82"), 2u);        // cut
  EXPECT_EQ(invalidUtf8("\x80"), 0u);
}

}  // namespace
}  // namespace coxllama
