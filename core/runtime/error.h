#pragma once

#include <stdexcept>
#include <string>

namespace bertie {

// What went wrong, in the words of src/bertie/errors.py; the binding maps one to the other.
enum class ErrorKind { input, tokenizer, checkpoint };

class Error : public std::runtime_error {
 public:
  Error(ErrorKind kind, const std::string& message) : std::runtime_error(message), kind_(kind) {}
  ErrorKind kind() const { return kind_; }

 private:
  ErrorKind kind_;
};

}  // namespace bertie
