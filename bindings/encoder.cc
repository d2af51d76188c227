#include "encoder/encoder.h"

#include <nanobind/ndarray.h>
#include <nanobind/stl/map.h>
#include <nanobind/stl/optional.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/tuple.h>
#include <nanobind/stl/vector.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "encoder/config.h"
#include "encoder/dense.h"
#include "encoder/pooling.h"
#include "encoder/quantize.h"
#include "encoder/tensor.h"
#include "kernels/kernels.h"
#include "module.h"
#include "runtime/error.h"
#include "runtime/system.h"

namespace nb = nanobind;
using namespace nb::literals;

namespace bertie {
namespace {

using Ints = nb::ndarray<const int32_t, nb::ndim<1>, nb::c_contig, nb::device::cpu>;
using Matrix = nb::ndarray<const float, nb::ndim<2>, nb::c_contig, nb::device::cpu>;
using Vector = nb::ndarray<const float, nb::ndim<1>, nb::c_contig, nb::device::cpu>;
using Channels = std::map<std::string, std::vector<float>>;
using Bytes = nb::ndarray<const uint8_t, nb::ndim<1>, nb::c_contig, nb::device::cpu>;

std::span<const int32_t> span(const Ints& array) { return {array.data(), array.size()}; }

Activation activation(const std::string& name) {
  if (name == "identity") return Activation::identity;
  if (name == "gelu") return Activation::gelu;
  if (name == "gelu_tanh") return Activation::gelu_tanh;
  if (name == "relu") return Activation::relu;
  if (name == "tanh") return Activation::tanh;
  if (name == "silu") return Activation::silu;
  throw Error(ErrorKind::input,
              "activation '" + name +
                  "' is unknown; expected identity, gelu, gelu_tanh, relu, tanh or silu");
}

Precision precision(const std::string& name) {
  if (name == "float32") return Precision::float32;
  if (name == "bfloat16") return Precision::bfloat16;
  if (name == "int8") return Precision::int8;
  throw Error(ErrorKind::input,
              "precision '" + name + "' is unknown; expected float32, bfloat16 or int8");
}

constexpr std::pair<const char*, Pooling> pooling_names[] = {
    {"mean", Pooling::mean},
    {"cls", Pooling::cls},
    {"max", Pooling::max},
    {"mean_sqrt_len_tokens", Pooling::mean_sqrt_len_tokens},
    {"weightedmean", Pooling::weightedmean},
    {"lasttoken", Pooling::lasttoken},
};

std::vector<Pooling> poolings(const std::vector<std::string>& names) {
  if (names.empty()) throw Error(ErrorKind::input, "modes is empty, expected at least one pooling");
  std::vector<Pooling> modes;
  for (const std::string& wanted : names) {
    std::string known;
    bool found = false;
    for (const auto& [name, mode] : pooling_names) {
      known += (known.empty() ? "" : ", ") + std::string(name);
      if (wanted != name) continue;
      modes.push_back(mode);
      found = true;
    }
    if (!found) {
      throw Error(ErrorKind::input,
                  "pooling '" + wanted + "' is unknown; expected one of: " + known);
    }
  }
  return modes;
}

DType dtype(const std::string& name) {
  if (name == "F32") return DType::f32;
  if (name == "F16") return DType::f16;
  if (name == "BF16") return DType::bf16;
  if (name == "I8") return DType::i8;
  throw Error(ErrorKind::checkpoint,
              "dtype " + name + " is unknown; expected F32, F16, BF16 or I8");
}

// A large result has pages of its own, which go back to the system with it: the C library's heap
// would keep them, and grow with every batch that doesn't fit into what it has kept.
constexpr size_t least_mapped = size_t{1} << 20;  // bytes

struct Mapped {
  void* data;
  size_t bytes;
  ~Mapped() { free_pages(data, bytes); }
};

nb::object empty(int64_t rows, int64_t columns, float*& data) {
  const size_t bytes = static_cast<size_t>(std::max<int64_t>(rows * columns, 1)) * sizeof(float);
  nb::capsule owner;
  if (bytes < least_mapped) {
    data = new float[bytes / sizeof(float)];
    owner = nb::capsule(data, [](void* p) noexcept { delete[] static_cast<float*>(p); });
  } else {
    void* pages = allocate_pages(bytes);
    data = static_cast<float*>(pages);
    owner = nb::capsule(new Mapped{pages, bytes},
                        [](void* p) noexcept { delete static_cast<Mapped*>(p); });
  }
  const size_t shape[] = {static_cast<size_t>(rows), static_cast<size_t>(columns)};
  return nb::cast(nb::ndarray<nb::numpy, float>(data, 2, shape, owner));
}

// The arrays stay in Python's hands: the encoder's wrapper keeps the dict alive.
TensorMap tensors(const nb::dict& dict) {
  TensorMap map;
  for (auto [key, value] : dict) {
    const auto [data, type, shape, by_columns] =
        nb::cast<std::tuple<Bytes, std::string, std::vector<int64_t>, bool>>(value);
    TensorView view{data.data(), dtype(type), shape, by_columns};
    const int64_t size = element_bytes(view.dtype);
    const auto name = nb::cast<std::string>(key);
    if (view.elements() * size != static_cast<int64_t>(data.size())) {
      throw Error(ErrorKind::checkpoint, "tensor " + name + " has " + std::to_string(data.size()) +
                                             " bytes, expected " +
                                             std::to_string(view.elements() * size));
    }
    map.emplace(name, std::move(view));
  }
  return map;
}

// The value of a name in a table of them.
template <typename Value, size_t count>
Value named(const nb::dict& record, const char* key,
            const std::pair<const char*, Value> (&values)[count]) {
  const auto wanted = nb::cast<std::string>(record[key]);
  std::string known;
  for (const auto& [name, value] : values) {
    if (wanted == name) return value;
    known += (known.empty() ? "" : ", ") + std::string(name);
  }
  throw Error(ErrorKind::checkpoint,
              std::string(key) + " '" + wanted + "' is unknown; expected one of: " + known);
}

constexpr std::pair<const char*, NormKind> norm_kinds[] = {{"layer_norm", NormKind::layer_norm},
                                                           {"rms_norm", NormKind::rms_norm}};
constexpr std::pair<const char*, NormPlace> norm_places[] = {
    {"after", NormPlace::after}, {"before", NormPlace::before}, {"around", NormPlace::around}};
constexpr std::pair<const char*, QueryKeyNorm> query_key_norms[] = {
    {"none", QueryKeyNorm::none}, {"all", QueryKeyNorm::all}, {"head", QueryKeyNorm::head}};

// None stands for what the core calls -1.
int64_t or_none(const nb::handle& value) {
  const auto number = nb::cast<std::optional<int64_t>>(value);
  if (number && *number < 0) {
    throw Error(ErrorKind::checkpoint, "a number of attention_layers is " +
                                           std::to_string(*number) + ", expected 0 or more");
  }
  return number.value_or(-1);
}

std::vector<Rotary> rotary(const nb::handle& records) {
  std::vector<Rotary> found;
  for (const nb::handle each : records) {
    Rotary& one = found.emplace_back();
    one.inverse_frequencies = nb::cast<std::vector<float>>(each["inverse_frequencies"]);
    one.interleaved = nb::cast<bool>(each["interleaved"]);
    one.attention_factor = nb::cast<float>(each["attention_factor"]);
    if (each["dynamic"].is_none()) continue;
    std::tie(one.base, one.factor, one.trained_length) =
        nb::cast<std::tuple<double, double, int64_t>>(each["dynamic"]);
    if (one.trained_length < 1) {
      throw Error(ErrorKind::checkpoint, "dynamic rotary has trained length " +
                                             std::to_string(one.trained_length) +
                                             ", expected at least 1");
    }
  }
  return found;
}

std::vector<AttentionLayer> attention_layers(const nb::handle& records) {
  std::vector<AttentionLayer> found;
  for (const nb::handle each : records) {
    found.push_back({or_none(each[0]), or_none(each[1]), or_none(each[2])});
  }
  return found;
}

Disentangled disentangled(const nb::handle& record) {
  if (record.is_none()) return {};
  return {.span = nb::cast<int64_t>(record["span"]),
          .rows = nb::cast<std::vector<int32_t>>(record["rows"]),
          .content_to_position = nb::cast<bool>(record["content_to_position"]),
          .position_to_content = nb::cast<bool>(record["position_to_content"])};
}

Convolution convolution(const nb::handle& record) {
  if (record.is_none()) return {};
  return {.kernel = nb::cast<int64_t>(record["kernel"]),
          .activation = activation(nb::cast<std::string>(record["activation"]))};
}

Config config(const nb::dict& record) {
  auto number = [&](const char* name) { return nb::cast<int64_t>(record[name]); };
  return {
      .vocab_size = number("vocab_size"),
      .embedding_size = number("embedding_size"),
      .hidden_size = number("hidden_size"),
      .num_attention_heads = number("num_attention_heads"),
      .intermediate_size = number("intermediate_size"),
      .max_position_embeddings = number("max_position_embeddings"),
      .type_vocab_size = number("type_vocab_size"),
      .layer_weights = nb::cast<std::vector<int64_t>>(record["layer_weights"]),
      .position_padding = nb::cast<std::optional<int64_t>>(record["position_padding"]).value_or(-1),
      .relative_attention_num_buckets = number("relative_attention_num_buckets"),
      .layer_norm_eps = nb::cast<float>(record["layer_norm_eps"]),
      .hidden_act = activation(nb::cast<std::string>(record["hidden_act"])),
      .num_key_value_heads = number("num_key_value_heads"),
      .head_size = number("head_size"),
      .attention_scale = nb::cast<float>(record["attention_scale"]),
      .embedding_scale = nb::cast<float>(record["embedding_scale"]),
      .projection_first = nb::cast<bool>(record["projection_first"]),
      .norm = named(record, "norm", norm_kinds),
      .norm_offset = nb::cast<float>(record["norm_offset"]),
      .norm_place = named(record, "norm_place", norm_places),
      .query_key_norm = named(record, "query_key_norm", query_key_norms),
      .alibi = nb::cast<bool>(record["alibi"]),
      .rotary = rotary(record["rotary"]),
      .attention_layers = attention_layers(record["attention_layers"]),
      .disentangled = disentangled(record["disentangled"]),
      .convolution = convolution(record["convolution"])};
}

// A matrix of bytes and its rows' scales, as int8 products take them.
nb::tuple quantized(const Matrix& weight, const std::optional<Vector>& smoothing) {
  const size_t out = weight.shape(0), in = weight.shape(1);
  if (smoothing && smoothing->shape(0) != in) {
    throw Error(ErrorKind::input, "the smoothing has " + std::to_string(smoothing->shape(0)) +
                                      " channels, expected " + std::to_string(in));
  }
  auto* bytes = new int8_t[std::max<size_t>(out * in, 1)];
  const nb::capsule owner(bytes, [](void* p) noexcept { delete[] static_cast<int8_t*>(p); });
  auto* scales = new float[std::max<size_t>(out, 1)];
  const nb::capsule scales_owner(scales, [](void* p) noexcept { delete[] static_cast<float*>(p); });
  {
    nb::gil_scoped_release release;
    std::vector<float> row(in);
    for (size_t c = 0; c < out; ++c) {
      std::copy_n(weight.data() + c * in, in, row.data());
      scales[c] = quantize(row.data(), smoothing ? smoothing->data() : nullptr,
                           static_cast<int64_t>(in), bytes + c * in);
    }
  }
  return nb::make_tuple(nb::ndarray<nb::numpy, int8_t>(bytes, {out, in}, owner),
                        nb::ndarray<nb::numpy, float>(scales, {out}, scales_owner));
}

Dense* make_dense(const Matrix& weight, const std::optional<Vector>& bias, const std::string& name,
                  int threads, const std::string& precision_name) {
  const auto out = static_cast<int64_t>(weight.shape(0)),
             in = static_cast<int64_t>(weight.shape(1));
  const TensorView w{reinterpret_cast<const unsigned char*>(weight.data()), DType::f32, {out, in}};
  TensorView b{nullptr, DType::f32, {out}};
  if (bias) {
    if (static_cast<int64_t>(bias->shape(0)) != out) {
      throw Error(ErrorKind::input, "the bias has " + std::to_string(bias->shape(0)) +
                                        " elements, expected " + std::to_string(out));
    }
    b.data = reinterpret_cast<const unsigned char*>(bias->data());
  }
  return new Dense(w, bias ? &b : nullptr, activation(name), precision(precision_name), threads);
}

int64_t checked_rows(const Dense& dense, const Matrix& x) {
  if (static_cast<int64_t>(x.shape(1)) != dense.in()) {
    throw Error(ErrorKind::input, "the input is " + std::to_string(x.shape(1)) +
                                      " wide, expected " + std::to_string(dense.in()));
  }
  return static_cast<int64_t>(x.shape(0));
}

}  // namespace

void bind_encoder(nb::module_& m) {
  m.def(
      "multiply_peak",
      [](const std::string& name, int threads) {
        const Precision wanted = precision(name);
        nb::gil_scoped_release release;
        return multiply_peak(select_kernels(), wanted, threads);
      },
      "precision"_a, "threads"_a);
  m.def("quantize_weight", &quantized, "weight"_a, "smoothing"_a = nb::none());
  nb::class_<Encoder>(m, "Encoder")
      .def(
          "__init__",
          [](Encoder* self, const nb::dict& record, const nb::dict& dict, int threads,
             const std::string& inner, const std::string& output, const Channels& smoothing) {
            const Config c = config(record);
            const TensorMap map = tensors(dict);
            const Recipe recipe{precision(inner), precision(output), smoothing};
            nb::gil_scoped_release release;
            new (self) Encoder(c, map, threads, recipe);
          },
          "config"_a, "tensors"_a, "threads"_a, "precision"_a = "float32",
          "output_precision"_a = "float32", "smoothing"_a = Channels(), nb::keep_alive<1, 3>())
      .def_prop_ro("threads", &Encoder::threads)
      .def("memory", &Encoder::memory, "longest"_a)
      .def_prop_ro("isa", [](const Encoder& self) { return self.kernels().isa; })
      .def(
          "forward",
          [](const Encoder& self, const Ints& ids, const Ints& type_ids, const Ints& lengths,
             const std::vector<int64_t>& layers, const std::optional<Ints>& attended) {
            const auto width = static_cast<int64_t>(layers.size()) * self.config().hidden_size;
            float* hidden;
            nb::object result = empty(static_cast<int64_t>(ids.size()), width, hidden);
            nb::gil_scoped_release release;
            self.forward({span(ids), span(type_ids), span(lengths),
                          attended ? span(*attended) : std::span<const int32_t>()},
                         {.layers = layers, .modes = {}, .skip = {}, .out = hidden});
            return result;
          },
          "ids"_a, "type_ids"_a, "lengths"_a, "layers"_a, "attended"_a = nb::none())
      .def(
          "forward_pooled",
          [](const Encoder& self, const Ints& ids, const Ints& type_ids, const Ints& lengths,
             const std::vector<std::string>& names, const std::vector<int64_t>& layers,
             const std::optional<Ints>& skip) {
            const std::vector<Pooling> modes = poolings(names);
            const auto width =
                static_cast<int64_t>(layers.size() * modes.size()) * self.config().hidden_size;
            float* out;
            nb::object result = empty(static_cast<int64_t>(lengths.size()), width, out);
            nb::gil_scoped_release release;
            self.forward({span(ids), span(type_ids), span(lengths)},
                         {.layers = layers,
                          .modes = modes,
                          .skip = skip ? span(*skip) : std::span<const int32_t>(),
                          .out = out});
            return result;
          },
          "ids"_a, "type_ids"_a, "lengths"_a, "modes"_a, "layers"_a, "skip"_a = nb::none())
      .def(
          "observe",
          [](const Encoder& self, const Ints& ids, const Ints& type_ids, const Ints& lengths) {
            nb::gil_scoped_release release;
            return self.observe({span(ids), span(type_ids), span(lengths)});
          },
          "ids"_a, "type_ids"_a, "lengths"_a);
  nb::class_<Dense>(m, "Linear")
      .def(nb::new_(&make_dense), "weight"_a, "bias"_a = nb::none(), "activation"_a = "identity",
           "threads"_a = 1, "precision"_a = "float32")
      .def(
          "__call__",
          [](const Dense& self, const Matrix& x) {
            const int64_t rows = checked_rows(self, x);
            float* out;
            nb::object result = empty(rows, self.out(), out);
            nb::gil_scoped_release release;
            self.apply(x.data(), rows, out);
            return result;
          },
          "x"_a)
      .def(
          "maximum",
          [](const Dense& self, const Matrix& x, const Ints& lengths) {
            const int64_t rows = checked_rows(self, x);
            float* out;
            nb::object result = empty(static_cast<int64_t>(lengths.size()), self.out(), out);
            nb::gil_scoped_release release;
            self.maximum(x.data(), rows, span(lengths), out);
            return result;
          },
          "x"_a, "lengths"_a);
}

}  // namespace bertie
