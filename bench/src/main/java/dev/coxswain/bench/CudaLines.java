package dev.coxswain.bench;

import dev.coxswain.gpucheck.GpuCheck;
import dev.coxswain.gpucheck.ParityResult;
import dev.coxswain.gpucheck.SpeedResult;

/** Prints the times of a GPU as they come. */
final class CudaLines implements GpuCheck.Listener {
  @Override
  public void compared(ParityResult result) {
    throw new IllegalStateException("nothing is compared in a benchmark");
  }

  @Override
  public void card(String text) {
    System.out.println("CUDA: the card allows " + text);
    System.out.println(SpeedResult.heading());
  }

  @Override
  public void timed(SpeedResult result) {
    System.out.println(result.text());
  }
}
