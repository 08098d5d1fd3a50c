package dev.coxswain.io;

import dev.coxswain.tensor.DType;
import dev.coxswain.tensor.Shape;

/**
 * One tensor of a safetensors file.
 *
 * @param name as written in the header
 * @param dtype stored element type
 * @param shape row-major extents
 * @param begin first byte, counted from the start of the file's data section
 * @param end one past the last byte, counted likewise
 */
public record TensorEntry(String name, DType dtype, Shape shape, long begin, long end) {
  public long bytes() {
    return end - begin;
  }

  @Override
  public String toString() {
    return dtype + " " + shape;
  }
}
