// Intel's tile registers in plain C++ (Software Developer's Manual, volume 1, chapter 18, and the
// instructions' own pages), for CPUs that lack them. What the CPU refuses ends the program.
// Included by kernels/tiles.h inside its namespace.

struct EmulatedTiles {
  TileShapes shapes;
  bool shaped = false;
  alignas(64) uint8_t data[8][tile_height][tile_row_bytes];

  static EmulatedTiles& mine() {
    static thread_local EmulatedTiles tiles;
    return tiles;
  }
  static void require(bool allowed) {
    if (!allowed) __builtin_trap();
  }
  int64_t rows(int tile) const {
    require(shaped && shapes.rows[tile] > 0);
    return shapes.rows[tile];
  }
  int64_t row_bytes(int tile) const { return shapes.row_bytes[tile]; }
  // Of C += A x B.
  void require_match(int c, int a, int b) const {
    require(c != a && c != b && a != b);
    require(rows(c) == rows(a) && row_bytes(c) == row_bytes(b) && row_bytes(a) == 4 * rows(b));
  }
  uint8_t* at(int tile, int64_t row, int64_t word) { return data[tile][row] + 4 * word; }
};

inline void set_shapes(const TileShapes& shapes) {
  auto& tiles = EmulatedTiles::mine();
  tiles.require(shapes.palette == 1 && shapes.start_row == 0);
  for (const uint8_t byte : shapes.reserved) tiles.require(byte == 0);
  for (int t = 0; t < 16; ++t) {
    tiles.require(t < 8 ? shapes.rows[t] <= tile_height && shapes.row_bytes[t] <= tile_row_bytes
                        : shapes.rows[t] == 0 && shapes.row_bytes[t] == 0);
    tiles.require((shapes.rows[t] == 0) == (shapes.row_bytes[t] == 0));
  }
  tiles.shapes = shapes;
  tiles.shaped = true;
  __builtin_memset(tiles.data, 0, sizeof tiles.data);
}

inline void release_tiles() { EmulatedTiles::mine().shaped = false; }

template <int Tile>
inline void clear_tile() {
  auto& tiles = EmulatedTiles::mine();
  tiles.require(tiles.rows(Tile) > 0);
  __builtin_memset(tiles.data[Tile], 0, sizeof tiles.data[Tile]);
}

template <int Tile>
inline void load_tile(const void* p, int64_t stride) {
  clear_tile<Tile>();  // rows and bytes beyond the shape become zeros
  auto& tiles = EmulatedTiles::mine();
  for (int64_t r = 0; r < tiles.rows(Tile); ++r) {
    __builtin_memcpy(tiles.data[Tile][r], static_cast<const uint8_t*>(p) + r * stride,
                     static_cast<size_t>(tiles.row_bytes(Tile)));
  }
}

template <int Tile>
inline void store_tile(void* p, int64_t stride) {
  auto& tiles = EmulatedTiles::mine();
  for (int64_t r = 0; r < tiles.rows(Tile); ++r) {
    __builtin_memcpy(static_cast<uint8_t*>(p) + r * stride, tiles.data[Tile][r],
                     static_cast<size_t>(tiles.row_bytes(Tile)));
  }
}

template <int C, int A, int B>
inline void add_tile_bytes() {
  auto& tiles = EmulatedTiles::mine();
  tiles.require_match(C, A, B);
  for (int64_t m = 0; m < tiles.rows(C); ++m) {
    for (int64_t k = 0; k < tiles.rows(B); ++k) {
      for (int64_t n = 0; n < tiles.row_bytes(C) / 4; ++n) {
        const uint8_t *a = tiles.at(A, m, k), *b = tiles.at(B, k, n);
        int32_t sum;
        __builtin_memcpy(&sum, tiles.at(C, m, n), sizeof sum);
        for (int i = 0; i < 4; ++i) sum += int32_t{a[i]} * static_cast<int8_t>(b[i]);
        __builtin_memcpy(tiles.at(C, m, n), &sum, sizeof sum);
      }
    }
  }
}

// While it lives: denormal numbers are zeros, as operands and as results.
struct Flushing {
  unsigned usual = _mm_getcsr();
  Flushing() { set((usual & ~0x6000u) | 0x8040u); }
  ~Flushing() { set(usual); }
  Flushing(const Flushing&) = delete;
  Flushing& operator=(const Flushing&) = delete;
  static void set(unsigned state) { asm volatile("vldmxcsr %0" : : "m"(state) : "memory"); }
};
// Volatile, so that the compiler leaves them where numbers are flushed.
inline F32 flushed_fma(F32 a, F32 b, F32 total) {
  asm volatile("vfmadd231ps %1, %2, %0" : "+v"(total.v) : "v"(a.v), "v"(b.v));
  return total;
}
inline F32 flushed_sum(F32 a, F32 b) {
  asm volatile("vaddps %1, %0, %0" : "+v"(a.v) : "v"(b.v));
  return a;
}

// The first numbers of all pairs are added up, and the second ones, each by fused multiply-adds;
// then the two, and that to the sum so far. All are rounded to nearest, whatever MXCSR says.
template <int C, int A, int B>
inline void add_tile_bfloat16() {
  auto& tiles = EmulatedTiles::mine();
  tiles.require_match(C, A, B);
  tiles.require(tiles.row_bytes(C) == tile_row_bytes);  // or a row is no whole vector
  const Flushing flushing;
  for (int64_t m = 0; m < tiles.rows(C); ++m) {
    F32 first = F32::zero(), second = F32::zero();
    for (int64_t k = 0; k < tiles.rows(B); ++k) {
      const I32 a = I32::set(load_word(tiles.at(A, m, k))), b = I32::load(tiles.at(B, k, 0));
      first = flushed_fma(low_half(a), low_half(b), first);
      second = flushed_fma(high_half(a), high_half(b), second);
    }
    auto* sums = reinterpret_cast<float*>(tiles.at(C, m, 0));
    flushed_sum(F32::load(sums), flushed_sum(first, second)).store(sums);
  }
}
