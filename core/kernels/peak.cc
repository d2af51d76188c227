#include <atomic>
#include <chrono>
#include <cstdint>

#include "kernels/kernels.h"
#include "runtime/thread_pool.h"

namespace bertie {

double multiply_peak(const Kernels& kernels, Precision precision, int threads) {
  using Clock = std::chrono::steady_clock;
  const GemmKernels& gemm = kernels.gemm[static_cast<int>(precision)];
  constexpr int64_t steps = 20'000;
  constexpr double seconds = 0.2;
  ThreadPool pool(threads);
  std::atomic<int64_t> rounds{0};
  std::atomic<float> sink{0.0f};
  const auto work = [&](double limit) {
    const auto start = Clock::now();
    pool.run([&](int) {
      while (std::chrono::duration<double>(Clock::now() - start).count() < limit) {
        sink = gemm.multiply_registers(steps);
        ++rounds;
      }
    });
    return std::chrono::duration<double>(Clock::now() - start).count();
  };
  work(seconds / 10);  // threads start and clocks rise
  rounds = 0;
  const double elapsed = work(seconds);
  return static_cast<double>(rounds * steps * gemm.step_operations) / elapsed;
}

}  // namespace bertie
