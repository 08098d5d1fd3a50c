#include "channel.h"

#include <cstdio>
#include <cstdlib>
#include <iostream>

#include "failure.h"

namespace coxllama {

Channel::Channel(std::deque<std::string> requests) : lines_(std::move(requests)), ended_(true) {}

Channel::Channel() {
  std::thread([this] { read(); }).detach();
}

void Channel::read() {
  std::string line;
  while (std::getline(std::cin, line)) {
    std::lock_guard<std::mutex> lock(mutex_);
    lines_.push_back(line);
    arrived_.notify_one();
  }
  std::lock_guard<std::mutex> lock(mutex_);
  ended_ = true;
  hungUp_ = true;
  arrived_.notify_one();
}

std::optional<std::string> Channel::next() {
  std::unique_lock<std::mutex> lock(mutex_);
  arrived_.wait(lock, [this] { return ended_ || !lines_.empty(); });
  if (lines_.empty()) {
    return std::nullopt;
  }
  std::string line = std::move(lines_.front());
  lines_.pop_front();
  return line;
}

void Channel::send(const Json& message) {
  // A piece of a word may end in the middle of a character; what is no UTF-8 becomes U+FFFD.
  std::string line = message.dump(-1, ' ', false, Json::error_handler_t::replace);
  line.push_back('\n');
  std::lock_guard<std::mutex> lock(output_);
  if (std::fwrite(line.data(), 1, line.size(), stdout) != line.size() || std::fflush(stdout) != 0) {
    std::_Exit(1);
  }
}

const Json& Request::field(const char* name) const {
  if (!has(name)) {
    throw Failure(Fault::kUsage, std::string("the request lacks '") + name + "'");
  }
  return body_[name];
}

std::string Request::text(const char* name) const {
  const Json& value = field(name);
  if (!value.is_string()) {
    throw Failure(Fault::kUsage, std::string("'") + name + "' is not a text");
  }
  return value.get<std::string>();
}

std::string Request::text(const char* name, const std::string& otherwise) const {
  return has(name) ? text(name) : otherwise;
}

int64_t Request::integer(const char* name) const {
  const Json& value = field(name);
  if (!value.is_number_integer()) {
    throw Failure(Fault::kUsage, std::string("'") + name + "' is not a whole number");
  }
  return value.get<int64_t>();
}

int64_t Request::integer(const char* name, int64_t otherwise) const {
  return has(name) ? integer(name) : otherwise;
}

double Request::number(const char* name, double otherwise) const {
  if (!has(name)) {
    return otherwise;
  }
  if (!field(name).is_number()) {
    throw Failure(Fault::kUsage, std::string("'") + name + "' is not a number");
  }
  return field(name).get<double>();
}

bool Request::flag(const char* name, bool otherwise) const {
  if (!has(name)) {
    return otherwise;
  }
  if (!field(name).is_boolean()) {
    throw Failure(Fault::kUsage, std::string("'") + name + "' is not true or false");
  }
  return field(name).get<bool>();
}

Request Request::part(const char* name) const {
  if (!field(name).is_object()) {
    throw Failure(Fault::kUsage, std::string("'") + name + "' is not an object");
  }
  return Request(channel_, field(name));
}

const Json& Request::array(const char* name) const {
  const Json& value = field(name);
  if (!value.is_array()) {
    throw Failure(Fault::kUsage, std::string("'") + name + "' is not a list");
  }
  return value;
}

std::vector<std::string> Request::texts(const char* name) const {
  std::vector<std::string> result;
  for (const Json& value : array(name)) {
    if (!value.is_string()) {
      throw Failure(Fault::kUsage, std::string("'") + name + "' is not a list of texts");
    }
    result.push_back(value.get<std::string>());
  }
  return result;
}

void Request::event(const char* kind, Json content) const {
  content["id"] = id();
  content["event"] = kind;
  channel_.send(content);
}

}  // namespace coxllama
