package dev.coxswain.sae;

import dev.coxswain.io.FloatBlocks;
import dev.coxswain.io.NpzFile;
import dev.coxswain.io.SafetensorsFile;
import dev.coxswain.io.TensorEntry;
import dev.coxswain.tensor.DType;
import dev.coxswain.tensor.Shape;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The weights of an SAE in a file of either kind. */
interface WeightFile extends AutoCloseable {
  /**
   * One tensor of the file.
   *
   * @param columnMajor whether it is stored in Fortran order
   */
  record Stored(DType dtype, Shape shape, boolean columnMajor) {
    @Override
    public String toString() {
      return dtype + " " + shape;
    }
  }

  Path path();

  Map<String, Stored> tensors();

  /** The file's own text; empty where the kind has none. */
  Map<String, String> metadata();

  /** Streams a tensor in the order of its storage. */
  void readFloatBlocks(String name, long unit, FloatBlocks consumer);

  @Override
  void close();

  static WeightFile open(Path path) {
    return path.toString().endsWith(".npz") ? new Npz(path) : new Safetensors(path);
  }

  /** A safetensors file. */
  final class Safetensors implements WeightFile {
    private static final Logger LOG = LoggerFactory.getLogger(WeightFile.class);

    private final SafetensorsFile file;

    private Safetensors(Path path) {
      file = SafetensorsFile.open(path);
      file.warnings().forEach(warning -> LOG.warn("{}: {}", path, warning));
    }

    @Override
    public Path path() {
      return file.path();
    }

    @Override
    public Map<String, Stored> tensors() {
      Map<String, Stored> stored = new LinkedHashMap<>();
      for (TensorEntry entry : file.tensors().values()) {
        stored.put(entry.name(), new Stored(entry.dtype(), entry.shape(), false));
      }
      return stored;
    }

    @Override
    public Map<String, String> metadata() {
      return file.metadata();
    }

    @Override
    public void readFloatBlocks(String name, long unit, FloatBlocks consumer) {
      file.readFloatBlocks(name, unit, consumer);
    }

    @Override
    public void close() {
      file.close();
    }
  }

  /** A NumPy .npz file. */
  final class Npz implements WeightFile {
    private final NpzFile file;

    private Npz(Path path) {
      file = NpzFile.open(path);
    }

    @Override
    public Path path() {
      return file.path();
    }

    @Override
    public Map<String, Stored> tensors() {
      Map<String, Stored> stored = new LinkedHashMap<>();
      for (NpzFile.Array array : file.arrays().values()) {
        stored.put(array.name(), new Stored(array.dtype(), array.shape(), array.columnMajor()));
      }
      return stored;
    }

    @Override
    public Map<String, String> metadata() {
      return Map.of();
    }

    @Override
    public void readFloatBlocks(String name, long unit, FloatBlocks consumer) {
      file.readFloatBlocks(name, unit, consumer);
    }

    @Override
    public void close() {
      file.close();
    }
  }
}
