// cox-llama: runs a GGUF model through llama.cpp and hands its hidden states to Coxswain's engine.
//
//   cox-llama               serves requests, one JSON object a line on stdin, answers on stdout
//   cox-llama REQUEST...    does these and ends; 1 at the first that fails
//
// A request is {"id": any, "op": NAME, ...}. It is answered by events {"id", "event", ...} and then by
// {"id", "result"} or {"id", "error": {"fault": "usage"|"data"|"file"|"device", "message": LINE}}.
// The end of stdin ends the work under way. Logs go to stderr (COX_VERBOSE=1: llama.cpp's too).
#include <csignal>
#include <cstdio>
#include <map>
#include <new>

#include "failure.h"
#include "operations.h"

namespace coxllama {
namespace {

using Operation = Json (*)(Workbench&, const Request&);

const std::map<std::string, Operation> kOperations = {
    {"load", load},         {"info", info},       {"quantize", quantize},
    {"tokenize", tokenize}, {"harvest", harvest}, {"vocabulary", vocabulary},
    {"generate", generate}, {"measure", measure}, {"logits", logits},
};

const char* faultName(Fault fault) {
  switch (fault) {
    case Fault::kUsage:
      return "usage";
    case Fault::kData:
      return "data";
    case Fault::kFile:
      return "file";
    default:
      return "device";
  }
}

Json errorOf(Fault fault, std::string message) {
  size_t end = message.find('\n');
  return {{"fault", faultName(fault)}, {"message", message.substr(0, end)}};
}

Json perform(Workbench& bench, Channel& channel, const Json& body) {
  Request request(channel, body);
  auto found = kOperations.find(request.text("op"));
  if (found == kOperations.end()) {
    throw Failure(Fault::kUsage, "unknown op '" + request.text("op") + "'");
  }
  return found->second(bench, request);
}

// Answers one line; false if it failed.
bool answer(Workbench& bench, Channel& channel, const std::string& line) {
  Json reply = Json::object();
  try {
    Json body = Json::parse(line);
    reply["id"] = body.is_object() ? body.value("id", Json()) : Json();
    if (!body.is_object()) {
      throw Failure(Fault::kUsage, "a request is a JSON object");
    }
    reply["result"] = perform(bench, channel, body);
  } catch (const Failure& e) {
    reply["error"] = errorOf(e.fault(), e.what());
  } catch (const Json::exception& e) {
    reply["error"] = errorOf(Fault::kUsage, std::string("the request is not valid: ") + e.what());
  } catch (const std::bad_alloc&) {
    reply["error"] = errorOf(Fault::kDevice, "out of memory");
  } catch (const std::exception& e) {
    reply["error"] = errorOf(Fault::kDevice, e.what());
  }
  channel.send(reply);
  return !reply.contains("error");
}

int run(std::deque<std::string> requests) {
  bool oneShot = !requests.empty();
  static Channel& channel = *(oneShot ? new Channel(std::move(requests)) : new Channel());
  Workbench bench(channel);
  loadBackends();
  while (std::optional<std::string> line = channel.next()) {
    bool done = answer(bench, channel, *line);
    if (oneShot && !done) {
      return 1;
    }
  }
  return 0;
}

}  // namespace
}  // namespace coxllama

int main(int argc, char** argv) {
  std::signal(SIGPIPE, SIG_IGN);  // a reader that is gone is noticed where we write
  try {
    return coxllama::run(std::deque<std::string>(argv + 1, argv + argc));
  } catch (const std::exception& e) {
    std::fprintf(stderr, "cox-llama: %s\n", e.what());
    return 1;
  }
}
