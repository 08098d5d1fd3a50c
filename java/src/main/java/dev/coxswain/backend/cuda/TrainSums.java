package dev.coxswain.backend.cuda;

import dev.coxswain.backend.TrainReport;
import dev.coxswain.tensor.HostMemory;

/**
 * The numbers that a training step's kernels hand on (TrainSums in kernels/train.cuh), on the
 * device.
 *
 * @param address of slot 0
 */
record TrainSums(long address) {
  static final long BYTES = 8 * 9;

  /** Values of TrainSum in kernels/train.cu. */
  static final long VARIANCE = 0;

  static final long ERROR = 1;
  static final long AUX_ERROR = 2;

  private static final int SCALE = 3;
  private static final int AUX_SCALE = 4;
  private static final int AUX = 5;
  private static final int DEAD = 6;
  private static final int ACTIVE = 8;

  private long slot(int number) {
    return address + 8L * number;
  }

  /** Address of ∂loss/∂x̂ ÷ e. */
  long scale() {
    return slot(SCALE);
  }

  /** Address of ∂loss/∂ê ÷ (e − ê). */
  long auxScale() {
    return slot(AUX_SCALE);
  }

  /** Waits for the work so far. */
  int fetchDead(CudaLane lane) {
    return Math.toIntExact(HostMemory.getLong(lane.fetch(slot(DEAD), 8)));
  }

  /** Waits for the step's end. */
  TrainReport fetchReport(CudaLane lane, float auxCoefficient) {
    long host = lane.fetch(address, BYTES);
    double variance = HostMemory.getDouble(host);
    double squaredError = HostMemory.getDouble(host + 8 * ERROR);
    boolean aux = HostMemory.getLong(host + 8 * AUX) != 0;
    double fvu = variance > 0 ? squaredError / variance : 0;
    double auxLoss = aux ? HostMemory.getDouble(host + 8 * AUX_ERROR) / squaredError : 0;
    return new TrainReport(
        fvu + auxCoefficient * auxLoss,
        fvu,
        auxLoss,
        HostMemory.getLong(host + 8 * ACTIVE),
        HostMemory.getLong(host + 8 * DEAD));
  }
}
