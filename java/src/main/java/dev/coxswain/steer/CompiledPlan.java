package dev.coxswain.steer;

import dev.coxswain.backend.Backend;
import dev.coxswain.backend.SteerKernel;
import dev.coxswain.error.InvalidDataException;
import dev.coxswain.sae.SparseAutoencoder;
import java.nio.file.Path;

/**
 * A plan bound to an SAE and a device: checked once, immutable and thread-safe. It keeps nothing of
 * the SAE, which may be closed. {@link #close()} frees the kernel and is idempotent.
 */
public final class CompiledPlan implements AutoCloseable {
  private final Plan plan;
  private final SteerKernel kernel;
  private final byte[] hash;

  private CompiledPlan(Plan plan, SteerKernel kernel, byte[] hash) {
    this.plan = plan;
    this.kernel = kernel;
    this.hash = hash;
  }

  /**
   * @param baseDir where relative paths of {@code vector} rules start: the plan's folder
   * @throws InvalidDataException naming the plan's place that does not fit the SAE, or its gate
   */
  public static CompiledPlan compile(
      Plan plan, SparseAutoencoder sae, Backend backend, Path baseDir) {
    if (plan.gate().isPresent()) {
      throw new InvalidDataException(
          plan.name()
              + ": gate: this version cannot decide request gates; remove it or use 'when'");
    }
    try (PlanTensors tensors = new PlanTensors(backend)) {
      PlanCompiler compiler = new PlanCompiler(plan, sae, baseDir, tensors);
      SteerKernel kernel = compiler.kernel(backend);
      return new CompiledPlan(plan, kernel, compiler.hash());
    }
  }

  public Plan plan() {
    return plan;
  }

  /** What steers rows; free of allocation, any thread. */
  public SteerKernel kernel() {
    return kernel;
  }

  /**
   * 32 bytes that are the same exactly for plans that do the same to every row: for a host's
   * prefix-cache key.
   */
  public byte[] hash() {
    return hash.clone();
  }

  /**
   * Whether a row of a request is to be steered, before any condition on its values.
   *
   * @param flags bits of {@link RowFlags}
   * @param position of the token in its sequence; 0 counts as BOS
   */
  public boolean selects(int flags, int position) {
    boolean bos = position == 0 || (flags & RowFlags.BOS) != 0;
    return (flags & RowFlags.PAD) == 0 && (plan.bos() || !bos) && plan.positions().includes(flags);
  }

  /**
   * Whether {@link #selects} depends on more than a tensor of rows says: rows without flags and
   * positions are then all steered.
   */
  public boolean needsModelContext() {
    return plan.positions() != Positions.ALL || !plan.bos();
  }

  @Override
  public void close() {
    kernel.close();
  }
}
