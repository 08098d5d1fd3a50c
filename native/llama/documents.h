// Documents from text files, one at a time.
#pragma once

#include <fstream>
#include <optional>
#include <string>
#include <vector>

namespace coxllama {

// A file NAME.jsonl holds a document a line: {"text": "..."} or "...". Any other file is one document.
// Throws Failure for a file that cannot be read, a line that is no such object, or text that is no UTF-8.
class Documents {
 public:
  explicit Documents(std::vector<std::string> paths);

  std::optional<std::string> next();

  // Share of the bytes already read, 0 to 1.
  double progress() const { return total_ == 0 ? 1 : static_cast<double>(read_) / total_; }

 private:
  void open();
  std::optional<std::string> nextLine();

  std::vector<std::string> paths_;
  size_t file_ = 0;
  std::ifstream stream_;
  bool lines_ = false;
  bool opened_ = false;
  size_t line_ = 0;
  uint64_t read_ = 0;
  uint64_t total_ = 0;
};

// Offset of the first byte that is no UTF-8, or npos.
size_t invalidUtf8(const std::string& text);

}  // namespace coxllama
