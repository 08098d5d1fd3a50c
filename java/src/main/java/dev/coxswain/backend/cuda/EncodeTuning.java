package dev.coxswain.backend.cuda;

import java.util.Optional;

/**
 * What an {@link EncodePlan} may be told, to reach every path with small inputs. Whatever it says,
 * the results are the same bits.
 *
 * @param path to take where its memory fits, else the plan's own choice
 * @param scratchBytes memory that a call may have beside what it is given; 0: what suits the device
 * @param spareCandidates room for candidates of a row beyond 16·k
 * @param featuresPerList features of a row that share a list of candidates in the int8 screen
 * @param panelFeatures features of a panel; 0: as many as keep their scores in the L2 cache
 */
record EncodeTuning(
    Optional<EncodePath> path,
    long scratchBytes,
    long spareCandidates,
    long featuresPerList,
    long panelFeatures) {
  static final EncodeTuning DEFAULT = new EncodeTuning(Optional.empty(), 0, 1536, 4096, 0);

  EncodeTuning with(EncodePath forced) {
    return new EncodeTuning(
        Optional.of(forced), scratchBytes, spareCandidates, featuresPerList, panelFeatures);
  }
}
