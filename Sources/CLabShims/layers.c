// Layers of the stage `infer`. Each loop is written once and compiled for the processor that every x86 or ARM has, and
// on x86 for AVX2 too; the vectors have eight lanes in both, so both give the same bits.

#include "Inference.h"
#include <math.h>
#include <string.h>

#pragma STDC FP_CONTRACT OFF

typedef float lanes __attribute__((vector_size(32), aligned(32), may_alias));

static uint64_t mix(uint64_t z) {
  z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
  z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
  return z ^ (z >> 31);
}

void inf_fill(float *numbers, int64_t count, uint64_t seed, float scale) {
  for (int64_t i = 0; i < count; i++) {
    // 24 bits, as many as a float holds: k/2²³ − 1.
    uint64_t bits = mix(seed + (uint64_t)i * 0x9E3779B97F4A7C15u) >> 40;
    numbers[i] = ((float)(int64_t)bits * 0x1p-23f - 1.0f) * scale;
  }
}

uint64_t inf_checksum(const float *numbers, int count) {
  uint64_t sum = (uint64_t)count;
  for (int i = 0; i < count; i++) {
    uint32_t bits;
    memcpy(&bits, numbers + i, sizeof bits);
    sum = mix(sum ^ bits);
  }
  return sum;
}

void inf_quantize(const float *weights, int8_t *quantized, float *factors, int width) {
  for (int o = 0; o < width; o++) {
    const float *row = weights + (int64_t)o * width;
    float most = 0;
    for (int i = 0; i < width; i++) most = fmaxf(most, fabsf(row[i]));
    factors[o] = most / 127;
    for (int i = 0; i < width; i++) quantized[(int64_t)o * width + i] = (int8_t)lrintf(most > 0 ? row[i] / factors[o] : 0);
  }
}

#define INLINE static inline __attribute__((always_inline))

/// Two rows against up to four samples: a row is read from memory once and from the first cache afterwards.
INLINE void dot_fp32(const float *w0, const float *w1, const float *x, int width, int samples, float *s0, float *s1) {
  lanes a0[4] = {0}, a1[4] = {0};
  for (int i = 0; i < width; i += 8) {
    lanes v0 = *(const lanes *)(w0 + i), v1 = *(const lanes *)(w1 + i);
    for (int j = 0; j < samples; j++) {
      lanes v = *(const lanes *)(x + (int64_t)j * width + i);
      a0[j] += v0 * v;
      a1[j] += v1 * v;
    }
  }
  for (int j = 0; j < samples; j++) {
    s0[j] = ((a0[j][0] + a0[j][4]) + (a0[j][1] + a0[j][5])) + ((a0[j][2] + a0[j][6]) + (a0[j][3] + a0[j][7]));
    s1[j] = ((a1[j][0] + a1[j][4]) + (a1[j][1] + a1[j][5])) + ((a1[j][2] + a1[j][6]) + (a1[j][3] + a1[j][7]));
  }
}

INLINE float activated(float sum, int relu) { return relu && sum < 0 ? 0 : sum; }

INLINE void layer_fp32(const float *weights, const float *x, float *y, int width, int batch, int relu) {
  for (int o = 0; o < width; o += 2) {
    const float *w0 = weights + (int64_t)o * width, *w1 = w0 + width;
    float s0[4], s1[4];
    for (int b = 0, samples; b < batch; b += samples) {
      samples = batch - b >= 4 ? 4 : 1;
      const float *from = x + (int64_t)b * width;
      if (samples == 4) dot_fp32(w0, w1, from, width, 4, s0, s1);
      else dot_fp32(w0, w1, from, width, 1, s0, s1);
      for (int j = 0; j < samples; j++) {
        float *to = y + (int64_t)(b + j) * width + o;
        to[0] = activated(s0[j], relu);
        to[1] = activated(s1[j], relu);
      }
    }
  }
}

/// A width of 2560 with entries up to 127 stays below 2³¹ by a factor of fifty. Four samples at once were tried: the
/// widening of the bytes is not what it waits for, and nothing was gained.
INLINE int32_t dot_int8(const int8_t *w, const int16_t *x, int width) {
  int32_t sum = 0;
  for (int i = 0; i < width; i++) sum += w[i] * x[i];
  return sum;
}

INLINE void layer_int8(
    const int8_t *weights, const float *factors, const float *x, int16_t *scratch, float *y, int width, int batch, int relu) {
  float scale[INF_BATCH_MAX];
  for (int b = 0; b < batch; b++) {
    const float *from = x + (int64_t)b * width;
    float most = 0;
    for (int i = 0; i < width; i++) most = fmaxf(most, fabsf(from[i]));
    scale[b] = most / 127;
    float inverse = most > 0 ? 127 / most : 0;
    for (int i = 0; i < width; i++) scratch[(int64_t)b * width + i] = (int16_t)lrintf(from[i] * inverse);
  }
  for (int o = 0; o < width; o++) {
    const int8_t *row = weights + (int64_t)o * width;
    for (int b = 0; b < batch; b++) {
      float sum = (float)dot_int8(row, scratch + (int64_t)b * width, width) * factors[o];
      y[(int64_t)b * width + o] = activated(sum * scale[b], relu);
    }
  }
}

#if defined(__x86_64__)
#define VARIANT __attribute__((target("avx2"))) static void
#define HAS_VARIANT __builtin_cpu_supports("avx2")
#else
#define VARIANT static void
#define HAS_VARIANT 0
#endif

VARIANT wide_fp32(const float *weights, const float *x, float *y, int width, int batch, int relu) {
  layer_fp32(weights, x, y, width, batch, relu);
}

VARIANT wide_int8(
    const int8_t *weights, const float *factors, const float *x, int16_t *scratch, float *y, int width, int batch, int relu) {
  layer_int8(weights, factors, x, scratch, y, width, batch, relu);
}

void inf_layer_fp32(const float *weights, const float *x, float *y, int width, int batch, int relu) {
  if (HAS_VARIANT) wide_fp32(weights, x, y, width, batch, relu);
  else layer_fp32(weights, x, y, width, batch, relu);
}

void inf_layer_int8(
    const int8_t *weights, const float *factors, const float *x, int16_t *scratch, float *y, int width, int batch, int relu) {
  if (HAS_VARIANT) wide_int8(weights, factors, x, scratch, y, width, batch, relu);
  else layer_int8(weights, factors, x, scratch, y, width, batch, relu);
}
