// Square layers of a neural network: y = W·x for several x at once, with ReLU behind all layers but the last.
//
// Every machine gives the same bits: sums are kept in eight lanes that are added in one fixed order, products are
// not fused with sums, and a sample's result does not depend on which others it is computed with.
// Nothing here allocates. All pointers are 64-byte aligned; `width` is a multiple of 32.

#pragma once
#include <stdint.h>

#define INF_BATCH_MAX 256

/// `count` numbers uniform in ±scale, from a counter: entry i depends on `seed` and i only.
void inf_fill(float *numbers, int64_t count, uint64_t seed, float scale);

/// Rows of `weights` as whole numbers −127…127 and each row's factor.
void inf_quantize(const float *weights, int8_t *quantized, float *factors, int width);

/// `weights` is width × width, row after row; `x` and `y` hold `batch` vectors one after the other.
void inf_layer_fp32(const float *weights, const float *x, float *y, int width, int batch, int relu);

/// The same with quantized weights; each x is quantized too, into `scratch` (batch × width). Sums are whole and exact.
void inf_layer_int8(
    const int8_t *weights, const float *factors, const float *x, int16_t *scratch, float *y, int width, int batch, int relu);

/// Over the bits of `count` numbers.
uint64_t inf_checksum(const float *numbers, int count);
