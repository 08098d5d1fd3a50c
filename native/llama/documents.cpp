#include "documents.h"

#include <sys/stat.h>

#include <cerrno>
#include <cstring>
#include <iterator>
#include <nlohmann/json.hpp>

#include "failure.h"

namespace coxllama {
namespace {

uint64_t sizeOf(const std::string& path) {
  struct stat status = {};
  if (stat(path.c_str(), &status) != 0) {
    throw Failure(Fault::kFile, "reading " + path + ": " +
                                    (errno == ENOENT ? "no such file or folder" : std::strerror(errno)));
  }
  if (!S_ISREG(status.st_mode)) {
    throw Failure(Fault::kFile, path + " is not a file; a text file or .jsonl is needed");
  }
  return status.st_size;
}

bool endsWith(const std::string& text, const std::string& ending) {
  return text.size() >= ending.size() &&
         text.compare(text.size() - ending.size(), ending.size(), ending) == 0;
}

void requireUtf8(const std::string& where, const std::string& text) {
  size_t at = invalidUtf8(text);
  if (at != std::string::npos) {
    throw Failure(Fault::kData, where + ": byte " + std::to_string(at) + " is not valid UTF-8");
  }
}

// Bytes of the sequence that `lead` begins, or 0.
int sequenceLength(unsigned char lead) {
  if (lead < 0x80) return 1;
  if (lead >= 0xC2 && lead <= 0xDF) return 2;
  if (lead >= 0xE0 && lead <= 0xEF) return 3;
  if (lead >= 0xF0 && lead <= 0xF4) return 4;
  return 0;
}

// Whether the second byte rules out overlong forms, surrogates, and code points beyond U+10FFFF.
bool secondFits(unsigned char lead, unsigned char second) {
  switch (lead) {
    case 0xE0:
      return second >= 0xA0;
    case 0xED:
      return second <= 0x9F;
    case 0xF0:
      return second >= 0x90;
    case 0xF4:
      return second <= 0x8F;
    default:
      return true;
  }
}

}  // namespace

size_t invalidUtf8(const std::string& text) {
  for (size_t i = 0; i < text.size();) {
    unsigned char lead = text[i];
    int length = sequenceLength(lead);
    if (length == 0 || i + length > text.size()) {
      return i;
    }
    for (int j = 1; j < length; j++) {
      unsigned char byte = text[i + j];
      if ((byte & 0xC0) != 0x80 || (j == 1 && !secondFits(lead, byte))) {
        return i;
      }
    }
    i += length;
  }
  return std::string::npos;
}

Documents::Documents(std::vector<std::string> paths) : paths_(std::move(paths)) {
  for (const std::string& path : paths_) {
    total_ += sizeOf(path);
  }
}

void Documents::open() {
  const std::string& path = paths_[file_];
  stream_ = std::ifstream(path, std::ios::binary);
  if (!stream_) {
    throw Failure(Fault::kFile, "reading " + path + ": " + std::strerror(errno));
  }
  lines_ = endsWith(path, ".jsonl");
  line_ = 0;
  opened_ = true;
}

std::optional<std::string> Documents::nextLine() {
  std::string line;
  while (std::getline(stream_, line)) {
    read_ += line.size() + 1;
    line_++;
    if (line.find_first_not_of(" \t\r") == std::string::npos) {
      continue;
    }
    std::string where = paths_[file_] + ", line " + std::to_string(line_);
    requireUtf8(where, line);
    auto value = nlohmann::json::parse(line, nullptr, false);
    if (value.is_object() && value.contains("text")) {
      value = nlohmann::json(value["text"]);
    }
    if (!value.is_string()) {
      throw Failure(Fault::kData, where + ": not a JSON object with a text 'text', nor a JSON text");
    }
    return value.get<std::string>();
  }
  return std::nullopt;
}

std::optional<std::string> Documents::next() {
  while (file_ < paths_.size()) {
    if (!opened_) {
      open();
    }
    std::optional<std::string> document;
    if (lines_) {
      document = nextLine();
    } else if (stream_.peek() != std::ifstream::traits_type::eof()) {
      document = std::string(std::istreambuf_iterator<char>(stream_), {});
      read_ += document->size();
      requireUtf8(paths_[file_], *document);
    }
    if (document) {
      return document;
    }
    opened_ = false;
    file_++;
  }
  return std::nullopt;
}

}  // namespace coxllama
