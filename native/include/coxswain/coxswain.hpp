// coxswain.hpp: coxswain.h for C++17, header only. Handles close themselves, errors are thrown as
// coxswain::Error, and structs get their sizes. Nothing else is added: what a call means, and which thread
// may make it, stands in coxswain.h.
#pragma once

#include <cstdint>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "coxswain/coxswain.h"

namespace coxswain {

// What a call returned below COX_OK, with its one line.
class Error : public std::runtime_error {
 public:
  Error(int status, const std::string& line) : std::runtime_error(line), status_(status) {}
  cox_status status() const { return static_cast<cox_status>(status_); }

 private:
  int status_;
};

// COX_OK or a remark is passed on, an error thrown.
inline int check(int status) {
  if (status < COX_OK) throw Error(status, cox_last_error());
  return status;
}

// A struct of the API with `size` set and everything else zero.
template <typename Struct>
Struct sized() {
  Struct value{};
  value.size = sizeof value;
  return value;
}

template <typename Type, int (*Close)(Type*)>
struct Closer {
  void operator()(Type* handle) const { Close(handle); }
};

template <typename Type, int (*Close)(Type*)>
using Owner = std::unique_ptr<Type, Closer<Type, Close>>;

class Engine {
 public:
  explicit Engine(const cox_engine_options& options = sized<cox_engine_options>()) {
    cox_engine* opened = nullptr;
    check(cox_engine_open(&options, &opened));
    handle_.reset(opened);
  }
  cox_engine* get() const { return handle_.get(); }

 private:
  Owner<cox_engine, cox_engine_close> handle_;
};

class Sae {
 public:
  Sae(const Engine& engine, const std::string& path) {
    cox_sae* loaded = nullptr;
    check(cox_sae_load(engine.get(), path.c_str(), &loaded));
    handle_.reset(loaded);
  }
  cox_sae* get() const { return handle_.get(); }
  cox_sae_info describe() const {
    auto info = sized<cox_sae_info>();
    check(cox_sae_describe(get(), &info));
    return info;
  }

 private:
  Owner<cox_sae, cox_sae_release> handle_;
};

// One reference to a plan.
class Plan {
 public:
  Plan(const Engine& engine, const Sae& sae, int layer, const std::string& json,
       const std::string& baseDir = ".") {
    auto options = sized<cox_plan_options>();
    options.json = json.data();
    options.json_bytes = json.size();
    options.base_dir = baseDir.c_str();
    options.sae = sae.get();
    options.layer = layer;
    cox_plan* compiled = nullptr;
    check(cox_plan_compile(engine.get(), &options, &compiled));
    handle_.reset(compiled);
  }
  cox_plan* get() const { return handle_.get(); }
  cox_plan_info describe() const {
    auto info = sized<cox_plan_info>();
    check(cox_plan_describe(get(), &info));
    return info;
  }

 private:
  Owner<cox_plan, cox_plan_release> handle_;
};

class Harvest {
 public:
  Harvest(const Engine& engine, cox_harvest_options options) {
    options.size = sizeof options;
    cox_harvest* opened = nullptr;
    check(cox_harvest_open(engine.get(), &options, &opened));
    handle_.reset(opened);
  }
  cox_harvest* get() const { return handle_.get(); }
  cox_harvest_info describe() const {
    auto info = sized<cox_harvest_info>();
    check(cox_harvest_describe(get(), &info));
    return info;
  }
  // Without it the harvest is abandoned.
  void finish() { check(cox_harvest_finish(handle_.release())); }

 private:
  Owner<cox_harvest, cox_harvest_abandon> handle_;
};

class Vocabulary {
 public:
  Vocabulary(const Engine& engine, cox_vocabulary_options options) {
    options.size = sizeof options;
    cox_vocabulary* opened = nullptr;
    check(cox_vocabulary_open(engine.get(), &options, &opened));
    handle_.reset(opened);
  }
  void add(const std::string& word, const float* row) {
    check(cox_vocabulary_add(handle_.get(), word.c_str(), row, nullptr));
  }
  void drop(const std::string& word, const std::string& reason) {
    check(cox_vocabulary_add(handle_.get(), word.c_str(), nullptr, reason.c_str()));
  }
  // Without it nothing is written.
  cox_vocabulary_info finish() {
    auto info = sized<cox_vocabulary_info>();
    check(cox_vocabulary_finish(handle_.release(), &info));
    return info;
  }

 private:
  Owner<cox_vocabulary, cox_vocabulary_abandon> handle_;
};

// For the thread that makes it.
class Lane {
 public:
  explicit Lane(const Engine& engine) {
    cox_lane* opened = nullptr;
    check(cox_lane_open(engine.get(), &opened));
    handle_.reset(opened);
  }
  cox_lane* get() const { return handle_.get(); }
  void begin(const std::vector<cox_row>& rows) { check(cox_begin(get(), rows.data(), rows.size())); }
  bool wants(int layer) const { return cox_wants(get(), layer) != 0; }
  // False if the layer failed and its rows are as they came (COX_FAIL_OPEN).
  bool layer(const cox_block& block) { return check(cox_layer(get(), &block)) == COX_OK; }
  void end(bool aborted = false) { check(cox_end(get(), aborted ? 1 : 0)); }
  void harvest(const Harvest* target) {
    check(cox_lane_harvest(get(), target == nullptr ? nullptr : target->get()));
  }
  void observe(const Sae& sae, int layer, cox_moment moment, cox_features_callback callback, void* user) {
    check(cox_lane_observe(get(), sae.get(), layer, moment, callback, user));
  }
  cox_lane_statistics describe() const {
    auto statistics = sized<cox_lane_statistics>();
    check(cox_lane_describe(get(), &statistics));
    return statistics;
  }

 private:
  Owner<cox_lane, cox_lane_close> handle_;
};

}  // namespace coxswain
