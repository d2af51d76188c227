// Reads the weights of a bundle, as `bertie export` writes them. What can be wrong with such a file
// is Python's to find (src/bertie/checkpoint/safetensors.py); tests give whole ones.
#pragma once

#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <ios>
#include <iterator>
#include <regex>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "encoder/tensor.h"

namespace bertie {

struct Safetensors {
  std::vector<char> bytes;
  TensorMap tensors;  // views into bytes

  explicit Safetensors(const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    if (!file) throw std::runtime_error(path + " can't be read");
    bytes.assign(std::istreambuf_iterator<char>(file), {});
    uint64_t length;
    std::memcpy(&length, bytes.data(), sizeof length);
    const std::string header(bytes.data() + sizeof length, length);
    const auto* data =
        reinterpret_cast<const unsigned char*>(bytes.data()) + sizeof length + length;
    static const std::regex entry(
        R"#("([^"]+)":\{"dtype":"(\w+)","shape":\[([\d,]*)\],"data_offsets":\[(\d+),\d+\]\})#");
    for (std::sregex_iterator at(header.begin(), header.end(), entry), end; at != end; ++at) {
      const std::smatch& parts = *at;
      TensorView view{data + std::stoll(parts[4]), dtype(parts[2]), {}};
      const std::string shape = parts[3];
      for (const char* p = shape.c_str(); *p != '\0'; p += *p == ',') {
        char* after;
        view.shape.push_back(std::strtoll(p, &after, 10));
        p = after;
      }
      tensors.emplace(parts[1], std::move(view));
    }
  }

  // The numbers of a tensor.
  std::vector<float> floats(const std::string& name) const {
    const TensorView& view = tensors.at(name);
    std::vector<float> values(static_cast<size_t>(view.elements()));
    view.read(0, view.elements(), values.data());
    return values;
  }

 private:
  static DType dtype(const std::string& name) {
    if (name == "F32") return DType::f32;
    if (name == "BF16") return DType::bf16;
    if (name == "I8") return DType::i8;
    throw std::runtime_error("dtype " + name + " is in no bundle");
  }
};

}  // namespace bertie
