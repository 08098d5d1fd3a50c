package dev.coxswain.sae;

import dev.coxswain.error.InvalidDataException;
import dev.coxswain.io.AvailableMemory;
import dev.coxswain.io.FloatConversion;
import dev.coxswain.tensor.DType;
import dev.coxswain.tensor.HostMemory;
import dev.coxswain.tensor.HostTensor;
import dev.coxswain.tensor.TensorView;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * The tensors of one SAE's file while they are read: each is taken once, checked against the shape
 * the configuration implies, and a tensor nobody takes is an error. Owns what it read until {@link
 * #release()}.
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
  private final Set<String> unused;
  private final List<HostTensor> read = new ArrayList<>();

  Weights(WeightFile file) {
    this.file = file;
    this.stored = file.tensors();
    this.unused = new LinkedHashSet<>(stored.keySet());
  }

  /** Refuses early what would not fit: all tensors as float32. */
  void requireMemory() {
    long bytes = 0;
    for (WeightFile.Stored tensor : stored.values()) {
      bytes = Math.addExact(bytes, Math.multiplyExact(4, tensor.shape().elements()));
    }
    AvailableMemory.require(bytes, file.path() + ": these weights as F32");
  }

  boolean has(String name) {
    return stored.containsKey(name);
  }

  /** F32 [F, d], whatever way it is stored. */
  HostTensor matrix(String name, int features, int width, Layout layout) {
    boolean byFeature = layout == Layout.BY_FEATURE;
    WeightFile.Stored entry = byFeature ? take(name, features, width) : take(name, width, features);
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
    take(name, n);
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

  private WeightFile.Stored take(String name, long... shape) {
    require(name, shape);
    unused.remove(name);
    return stored.get(name);
  }

  /** Checks a tensor without reading it. */
  void require(String name, long... shape) {
    WeightFile.Stored entry = stored.get(name);
    if (entry == null) {
      throw new InvalidDataException(
          file.path() + " has no tensor '" + name + "'; it has " + stored.keySet());
    }
    if (!entry.shape().is(shape) || !FloatConversion.isFloat(entry.dtype())) {
      throw new InvalidDataException(
          file.path()
              + ": tensor '"
              + name
              + "' is "
              + entry
              + "; floating-point "
              + dev.coxswain.tensor.Shape.of(shape)
              + " is needed");
    }
  }

  /** Every tensor matters: one that nothing used would be silently ignored. */
  void requireAllUsed() {
    if (!unused.isEmpty()) {
      throw new InvalidDataException(
          file.path()
              + " has the tensor '"
              + unused.iterator().next()
              + "', which this kind of SAE does not know");
    }
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
