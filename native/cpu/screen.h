// Active features of many rows by a screen (screen_kernels.h) whose survivors are scored canonically.
#pragma once

#include <cstdint>

#include "cpu/scan.h"
#include "cpu/screen_kernels.h"

namespace coxswain::cpu {

/** The kernels of a screen other than kNone. */
const ScreenKernels& screenKernels(Isa isa, ScreenKind kind);

/** K of the bound (screen_kernels.h). */
double screenBoundFactor(int64_t d);

/** Whether the screen's bound holds and pays for a call of this shape. */
bool screenFits(const ScanCall& call);

/** As scanFeatures; returns the rows that had to be scored in full. */
int64_t screenFeatures(Device& device, const ScreenKernels& kernels, const ScanCall& call,
                       const ScanSink& sink);

}  // namespace coxswain::cpu
