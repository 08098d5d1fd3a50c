package dev.coxswain.host;

import dev.coxswain.backend.Backend;
import dev.coxswain.backend.SteerBatch;
import dev.coxswain.backend.SteerKernel;
import dev.coxswain.tensor.DType;
import dev.coxswain.tensor.HostTensor;
import java.util.Arrays;

/**
 * A lane's memory for steering: a batch for each layer and round, and which kernel each row of the
 * block at hand has. It grows to what the lane meets and stays.
 */
final class LaneBatches implements AutoCloseable {
  /** By round, then layer. */
  private SteerBatch[][] batches = new SteerBatch[1][0];

  private final Backend backend;
  private HostTensor rowKernels = HostTensor.allocate(DType.I32, 64);
  private SteerKernel[] kernels = new SteerKernel[8];

  LaneBatches(Backend backend) {
    this.backend = backend;
  }

  SteerBatch at(int layer, int round) {
    if (round >= batches.length) {
      batches = Arrays.copyOf(batches, round + 1);
      batches[round] = new SteerBatch[0];
    }
    if (layer >= batches[round].length) {
      batches[round] = Arrays.copyOf(batches[round], layer + 1);
    }
    if (batches[round][layer] == null) {
      batches[round][layer] = backend.steerBatch();
    }
    return batches[round][layer];
  }

  /** Address of an int32 for each of so many rows, with any content. */
  long rowKernels(long rows) {
    if (rowKernels.shape().elements() < rows) {
      rowKernels.close();
      rowKernels = HostTensor.allocate(DType.I32, 2 * rows);
    }
    return rowKernels.view().address();
  }

  /** Room for so many kernels. */
  SteerKernel[] kernels(int count) {
    if (kernels.length < count) {
      kernels = new SteerKernel[2 * count];
    }
    return kernels;
  }

  /** Adds what all batches counted since the last call. */
  void count(long counters) {
    for (SteerBatch[] layers : batches) {
      for (SteerBatch batch : layers) {
        if (batch != null) {
          batch.count(counters);
        }
      }
    }
  }

  @Override
  public void close() {
    for (SteerBatch[] layers : batches) {
      for (SteerBatch batch : layers) {
        if (batch != null) {
          batch.close();
        }
      }
    }
    rowKernels.close();
  }
}
