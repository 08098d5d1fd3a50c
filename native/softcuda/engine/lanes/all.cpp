#include "lanes/lanes.h"

namespace softcuda::SOFTCUDA_LANES {

void addAll(Registry& all) {
  addIntegers(all);
  addBits(all);
  addCarry(all);
  addFloats(all);
  addDirected(all);
  addHalves(all);
  addComparisons(all);
  addConversions(all);
  addMoves(all);
  addMatrices(all);
  addVideo(all);
}

}  // namespace softcuda::SOFTCUDA_LANES
