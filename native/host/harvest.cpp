#include <vector>

#include "lane.h"
#include "struct.h"

namespace coxswain::host {
namespace {

void requireText(const char* text, const char* name) {
  if (text == nullptr) fail(COX_ERROR_ARGUMENT, "%s is NULL", name);
}

cox_harvest_options checked(const cox_harvest_options* given) {
  cox_harvest_options options = incoming(given, "cox_harvest_options");
  requireText(options.dir, "the harvest's dir");
  requireText(options.model, "the harvest's model");
  requireText(options.model_sha256, "the harvest's model_sha256");
  requireLayer(options.layer);
  if (options.width < 1)
    fail(COX_ERROR_ARGUMENT, "the harvest's width is %d; 1 or more is needed", options.width);
  if (options.dtype < COX_F32 || options.dtype > COX_BF16) {
    fail(COX_ERROR_ARGUMENT, "the harvest's dtype %d is none of COX_F32, COX_F16, COX_BF16", options.dtype);
  }
  if (options.n_pieces > 0 && options.pieces == nullptr) {
    fail(COX_ERROR_ARGUMENT, "pieces is NULL but n_pieces is %zu", options.n_pieces);
  }
  return options;
}

// All pieces one after the other, and where each ends.
struct Pieces {
  std::string bytes;
  std::vector<int64_t> ends;

  explicit Pieces(const cox_harvest_options& options) {
    for (size_t i = 0; i < options.n_pieces; ++i) {
      if (options.pieces[i] == nullptr) fail(COX_ERROR_ARGUMENT, "pieces[%zu] is NULL", i);
      size_t length =
          options.piece_bytes == nullptr ? std::strlen(options.pieces[i]) : options.piece_bytes[i];
      bytes.append(options.pieces[i], length);
      ends.push_back(static_cast<int64_t>(bytes.size()));
    }
  }
};

std::shared_ptr<Harvest> openHarvest(std::shared_ptr<Engine> engine, const cox_harvest_options& options) {
  Pieces pieces(options);
  auto harvest = std::make_shared<Harvest>(std::move(engine));
  Arguments arguments;
  arguments.text(options.dir)
      .text(options.model)
      .text(options.model_sha256)
      .word(options.layer)
      .word(options.width)
      .word(options.dtype)
      .address(pieces.bytes.data())
      .address(pieces.ends.data())
      .word(static_cast<int64_t>(pieces.ends.size()));
  const Bridge& bridge = Bridge::get();
  harvest->java = bridge.open(bridge.openHarvest, harvest->engine->java.get(), nullptr, arguments);
  harvest->layer = options.layer;
  harvest->width = options.width;
  harvest->dtype = options.dtype;
  return harvest;
}

}  // namespace
}  // namespace coxswain::host

using namespace coxswain::host;

int cox_harvest_open(cox_engine* engine, const cox_harvest_options* options, cox_harvest** harvest) {
  return guarded([&] {
    requireTarget(harvest, "harvest");
    *harvest = newHandle<cox_harvest>(openHarvest(open(engine, "engine"), checked(options)));
    return COX_OK;
  });
}

int cox_harvest_describe(cox_harvest* harvest, cox_harvest_info* info) {
  return guarded([&] {
    std::shared_ptr<Harvest> content = open(harvest, "harvest");
    std::lock_guard<std::mutex> lock(content->mutex);
    outgoing(info, cox_harvest_info{0, content->rows, content->documents}, "cox_harvest_info");
    return COX_OK;
  });
}

int cox_harvest_finish(cox_harvest* harvest) {
  return guarded([&] {
    open(harvest, "harvest");
    std::shared_ptr<Harvest> content = take(harvest, "harvest");
    std::lock_guard<std::mutex> lock(content->mutex);
    content->open = false;
    const Bridge& bridge = Bridge::get();
    bridge.run(bridge.finishHarvest, *content->java, Arguments());
    return COX_OK;
  });
}

int cox_harvest_abandon(cox_harvest* harvest) {
  return guarded([&] {
    if (harvest == nullptr) return COX_OK;
    std::shared_ptr<Harvest> content = take(harvest, "harvest");
    std::lock_guard<std::mutex> lock(content->mutex);
    content->open = false;
    return COX_OK;
  });
}
