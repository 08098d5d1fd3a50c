package dev.coxswain.gpucheck;

import dev.coxswain.Engine;
import dev.coxswain.backend.DeviceProbe;
import dev.coxswain.error.DeviceException;
import dev.coxswain.io.AvailableMemory;
import java.time.Instant;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * A whole check of one device: parity with the CPU, then speed. For one thread, with nothing else
 * running on the device.
 */
public final class GpuCheck {
  /** Hears how a check goes on. */
  public interface Listener {
    void compared(ParityResult result);

    void card(String text);

    void timed(SpeedResult result);
  }

  /** Of the memory that is free, how much a check may take. */
  private static final double SHARE = 0.8;

  private final Engine cpu;
  private final Engine gpu;
  private final DeviceProbe probe;
  private final boolean quick;
  private final long seed;

  /**
   * @param gpu an engine on a CUDA device
   * @param quick leaves out the sizes of a large model
   * @param seed that all inputs come from
   */
  public GpuCheck(Engine cpu, Engine gpu, boolean quick, long seed) {
    this.cpu = cpu;
    this.gpu = gpu;
    this.probe =
        gpu.probe()
            .orElseThrow(() -> new IllegalArgumentException(gpu.backend().name() + " is no GPU"));
    this.quick = quick;
    this.seed = seed;
  }

  /** Both halves; on a software driver the first alone. */
  public CheckReport run(Listener listener) {
    List<ParityResult> parity =
        Parity.run(
            cpu.backend(), gpu.backend(), Optional.of(probe), sizes(), seed, listener::compared);
    return probe.isSoftware()
        ? report(parity, Optional.empty(), List.of())
        : measured(parity, listener);
  }

  /**
   * The second half alone.
   *
   * @throws DeviceException on a software driver, whose time is not a GPU's
   */
  public CheckReport measure(Listener listener) {
    if (probe.isSoftware()) {
      throw new DeviceException("a software driver's time is not a GPU's");
    }
    return measured(List.of(), listener);
  }

  private CheckReport measured(List<ParityResult> parity, Listener listener) {
    Card card = Card.measure(probe);
    listener.card(card.text());
    List<CheckSize> sizes = sizes();
    List<SpeedResult> speed =
        Speed.run(sizes.get(sizes.size() - 1), gpu.backend(), probe, card, seed, listener::timed);
    return report(parity, Optional.of(card), speed);
  }

  private List<CheckSize> sizes() {
    if (probe.isSoftware()) {
      return List.of(CheckSize.SOFTWARE);
    }
    if (quick) {
      return List.of(CheckSize.SMALL);
    }
    long host = AvailableMemory.bytes().orElse(Long.MAX_VALUE);
    return List.of(
        CheckSize.SMALL, CheckSize.large((long) (SHARE * Math.min(host, probe.freeBytes()))));
  }

  private CheckReport report(
      List<ParityResult> parity, Optional<Card> card, List<SpeedResult> speed) {
    Map<String, Object> facts = new LinkedHashMap<>();
    facts.put("time", Instant.now().toString());
    facts.put("commit", System.getProperty("cox.commit", "unknown"));
    facts.put("java", Runtime.version().toString());
    facts.put("cpu", cpu.backend().name());
    facts.putAll(probe.facts());
    probe.productsUnusable().ifPresent(reason -> facts.put("cublas_unusable", reason));
    facts.put("seed", seed);
    facts.put("quick", quick);
    return new CheckReport(facts, parity, card, speed);
  }
}
