// What the kernels of encode share with each other and with EncodeReport.java.
#pragma once

#include <cstdint>

namespace coxswain {

/** Numbers as in Normalization.java. */
enum class Normalization : int64_t { kNone = 0, kConstantNorm = 1, kLayerNorm = 2 };

/** kUndecided: a screen could not tell enough of the row's features apart; it is scored in full. */
enum class RowState : int32_t { kReady, kNonFinite, kUnnormalizable, kUndecided };

/** Slots of the report, all 0 to begin with. */
enum ReportSlot : int {
  kNonFiniteRows,
  kUnnormalizableRows,
  kMostActive,
  kOverfullRow,  // kNoOverfullRow − the first overfull row; 0: none
  kFullScans,
  kReportSlots
};

constexpr int64_t kNoOverfullRow = INT64_MAX;

/** Keys that a CTA sorts in shared memory. */
constexpr int kSortedKeys = 2048;

}  // namespace coxswain
