package dev.coxswain.sae;

import dev.coxswain.error.InvalidDataException;
import dev.coxswain.io.AvailableMemory;
import dev.coxswain.io.FloatConversion;
import dev.coxswain.tensor.DType;
import dev.coxswain.tensor.HostMemory;
import dev.coxswain.tensor.HostTensor;
import dev.coxswain.tensor.Shape;
import dev.coxswain.tensor.TensorView;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/**
 * The tensors of one SAE's file while they are read, after {@link #check}. Owns what it read until
 * {@link #release()}.
 */
final class Weights implements AutoCloseable {
  /** How a matrix is stored. */
  enum Layout {
    /** One row a feature: [F, d]. */
    BY_FEATURE,
    /** One row an element of the hidden state: [d, F]. */
    BY_WIDTH
  }

  private final WeightFile file;
  private final Map<String, WeightFile.Stored> stored;
  private final List<HostTensor> read = new ArrayList<>();

  Weights(WeightFile file) {
    this.file = file;
    this.stored = file.tensors();
  }

  /**
   * Checks names, types and shapes before anything is read.
   *
   * @param expected every tensor this SAE has; another one would be silently ignored
   */
  static void check(WeightFile file, Map<String, Shape> expected) {
    expected.forEach((name, shape) -> require(file, name, shape));
    for (String name : file.tensors().keySet()) {
      if (!expected.containsKey(name)) {
        throw new InvalidDataException(
            file.path()
                + " has the tensor '"
                + name
                + "', which this kind of SAE does not know: "
                + String.join(", ", expected.keySet())
                + " are used");
      }
    }
  }

  /** Refuses what would not fit: all tensors as float32. */
  void requireMemory() {
    long bytes = 0;
    for (WeightFile.Stored tensor : stored.values()) {
      bytes = Math.addExact(bytes, Math.multiplyExact(4, tensor.shape().elements()));
    }
    AvailableMemory.require(bytes, file.path() + ": this SAE as F32");
  }

  private static void require(WeightFile file, String name, Shape shape) {
    WeightFile.Stored entry = file.tensors().get(name);
    if (entry == null) {
      throw new InvalidDataException(
          file.path()
              + " has no tensor '"
              + name
              + "'; it has "
              + String.join(", ", file.tensors().keySet()));
    }
    if (!entry.shape().equals(shape) || !FloatConversion.isFloat(entry.dtype())) {
      throw new InvalidDataException(
          file.path()
              + ": tensor '"
              + name
              + "' is "
              + entry
              + "; floating-point "
              + shape
              + " is needed");
    }
  }

  boolean has(String name) {
    return stored.containsKey(name);
  }

  /** F32 [F, d], whatever way it is stored. */
  HostTensor matrix(String name, int features, int width, Layout layout) {
    boolean byFeature = layout == Layout.BY_FEATURE;
    WeightFile.Stored entry = stored.get(name);
    HostTensor matrix = allocate(features, width);
    if (byFeature != entry.columnMajor()) {
      file.readFloatBlocks(name, 1, (first, block) -> copy(block, matrix, first));
    } else {
      file.readFloatBlocks(
          name, features, (first, block) -> transpose(block, features, first / features, matrix));
    }
    return matrix;
  }

  /** F32 [n]. */
  HostTensor vector(String name, int n) {
    HostTensor vector = allocate(n);
    file.readFloatBlocks(name, 1, (first, block) -> copy(block, vector, first));
    return vector;
  }

  /** F32 [n], all zero: a bias the format leaves out. */
  HostTensor zeros(int n) {
    return allocate(n);
  }

  private HostTensor allocate(long... extents) {
    HostTensor tensor = HostTensor.allocate(DType.F32, extents);
    read.add(tensor);
    return tensor;
  }

  /** Hands the tensors over to the autoencoder built from them. */
  void release() {
    read.clear();
  }

  @Override
  public void close() {
    read.forEach(HostTensor::close);
    file.close();
  }

  private static void copy(TensorView block, HostTensor target, long first) {
    HostMemory.copy(block.address(), target.view().address() + 4 * first, block.byteSize());
  }

  /**
   * Whole rows of a [d, F] matrix into the columns of an [F, d] one. The inner loop writes the
   * target contiguously, so that each of its cache lines is touched once a block.
   */
  private static void transpose(TensorView block, long features, long firstRow, HostTensor target) {
    long rows = block.shape().elements() / features;
    long width = target.shape().extent(1);
    long source = block.address();
    long base = target.view().address() + 4 * firstRow;
    for (long f = 0; f < features; f++) {
      long to = base + 4 * width * f;
      long from = source + 4 * f;
      for (long row = 0; row < rows; row++) {
        HostMemory.putInt(to + 4 * row, HostMemory.getInt(from + 4 * features * row));
      }
    }
  }
}
