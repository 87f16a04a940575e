/* SPDX-License-Identifier: Apache-2.0 */
/* From cpu.shares to cpu.weight; see weight.h.  By series of our own: libm is one more library to load at
 * every start, for two calls. */
#include "cgroup/weight.h"

/* Logarithm to the base 2 of V >= 1: the exponent, and twice the inverse hyperbolic tangent for the rest.  */
static double
log_2 (uint64_t v)
{
  int exponent = 63 - __builtin_clzll (v);
  double m = (double) v / (double) (1ULL << exponent), x = (m - 1) / (m + 1), power = x, sum = 0;

  for (int i = 1; i < 60; i += 2, power *= x * x)
    sum += power / i;
  return exponent + 2 * sum / 0.69314718055994530942;
}

/* 10 to the power of X, 0 <= X <= 4.  */
static double
power_10 (double x)
{
  double y = x * 2.30258509299404568402, term = 1, sum = 1;

  for (int i = 1; i < 60; i++)
    sum += term *= y / i;
  return sum;
}

uint64_t
cgroup_weight (uint64_t shares)
{
  double l, weight;

  if (shares <= 2)
    return 1;
  if (shares >= 262144)
    return 10000;
  l = log_2 (shares);
  weight = power_10 ((l * l + 125 * l) / 612 - 7.0 / 34);
  return (uint64_t) (weight - 1e-9) + 1; /* rounded up, but for what is whole already */
}
