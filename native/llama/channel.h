// JSON lines in, JSON lines out: requests on stdin, events, results and errors on stdout.
#pragma once

#include <atomic>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <thread>
#include <vector>

namespace coxllama {

using Json = nlohmann::json;

// Reads requests on a thread of its own, so that the end of stdin (the parent is gone) ends the work
// under way. Writing to a reader that is gone ends the process quietly.
class Channel {
 public:
  // With requests given there is no stdin to read.
  explicit Channel(std::deque<std::string> requests);
  Channel();

  // The next line, or nothing once stdin has ended.
  std::optional<std::string> next();

  // Whole lines, from any thread.
  void send(const Json& message);

  // Becomes true when stdin ends before the work does.
  const std::atomic<bool>* hangUp() const { return &hungUp_; }

 private:
  void read();

  std::mutex mutex_;
  std::mutex output_;
  std::condition_variable arrived_;
  std::deque<std::string> lines_;
  bool ended_ = false;
  std::atomic<bool> hungUp_{false};
};

// One request: its fields by name, and the way back.
class Request {
 public:
  Request(Channel& channel, Json body) : channel_(channel), body_(std::move(body)) {}

  Json id() const { return body_.value("id", Json()); }
  bool has(const char* field) const { return body_.contains(field) && !body_[field].is_null(); }
  const Json& body() const { return body_; }

  std::string text(const char* field) const;
  std::string text(const char* field, const std::string& otherwise) const;
  int64_t integer(const char* field) const;
  int64_t integer(const char* field, int64_t otherwise) const;
  double number(const char* field, double otherwise) const;
  bool flag(const char* field, bool otherwise) const;
  Request part(const char* field) const;  // an object inside, read by the same rules
  Request with(const Json& body) const { return Request(channel_, body); }
  const Json& array(const char* field) const;
  std::vector<std::string> texts(const char* field) const;

  void event(const char* kind, Json content) const;

 private:
  const Json& field(const char* name) const;

  Channel& channel_;
  Json body_;
};

}  // namespace coxllama
