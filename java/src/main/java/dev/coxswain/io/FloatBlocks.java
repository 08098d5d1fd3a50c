package dev.coxswain.io;

import dev.coxswain.tensor.TensorView;

/** Receives a tensor's elements as float32, block by block, in the order they are stored. */
@FunctionalInterface
public interface FloatBlocks {
  /**
   * @param first number of the block's first element
   * @param floats F32 [m]; valid during the call
   */
  void block(long first, TensorView floats);
}
