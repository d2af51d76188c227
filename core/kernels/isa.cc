// Compiled once per ISA, with BERTIE_ISA naming the namespace and the compiler's flags the
// instructions. Nothing here may use an inline function of the standard library: the linker could
// take this file's copy for a CPU that can't run it.
#if defined(BERTIE_AMX)
#include "kernels/amx.h"
#endif
#include "kernels/attention.h"
#include "kernels/formats.h"
#include "kernels/gemm.h"
#include "kernels/kernels.h"
#include "kernels/matrix.h"
#include "kernels/norm.h"
#include "kernels/peak.h"
#include "kernels/rotate.h"
#include "kernels/tile.h"

#define BERTIE_NAME_(isa) #isa
#define BERTIE_NAME(isa) BERTIE_NAME_(isa)

namespace bertie::BERTIE_ISA {

#if defined(BERTIE_AMX)
using BestBfloat16 = TileBfloat16;
using BestInt8 = TileInt8;
#elif defined(BERTIE_MATRIX)
using BestBfloat16 = MatrixBfloat16;
using BestInt8 = MatrixInt8;
#else
using BestBfloat16 = Bfloat16;
using BestInt8 = Int8;
#endif

template <typename Format>
constexpr GemmKernels gemm_kernels(decltype(GemmKernels::operand) operand) {
  return {.panel_bytes = panel_bytes<Format>,
          .pack = pack<Format>,
          .operand_bytes = operand_bytes<Format>,
          .operand = operand,
          .gemm = gemm<Format>,
          .multiply_registers = multiply_registers<Format>,
          .step_operations = step_operations<Format>()};
}

extern const Kernels kernels;
const Kernels kernels = {
    .isa = BERTIE_NAME(BERTIE_ISA),
    .panel = panel_width,
    .gemm = {gemm_kernels<Float32>(nullptr),
             gemm_kernels<BestBfloat16>(operand_bfloat16<BestBfloat16>),
             gemm_kernels<BestInt8>(operand_int8<BestInt8>)},
    .attention_scratch = attention_scratch,
    .attention = attention,
    .layer_norm = layer_norm,
    .rms_norm = rms_norm,
    .rotate = rotate,
};

}  // namespace bertie::BERTIE_ISA
