package dev.coxswain.backend.cuda;

import static jcuda.driver.CUdevice_attribute.CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR;
import static jcuda.driver.CUdevice_attribute.CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR;
import static jcuda.driver.CUdevice_attribute.CU_DEVICE_ATTRIBUTE_L2_CACHE_SIZE;
import static jcuda.driver.CUdevice_attribute.CU_DEVICE_ATTRIBUTE_MAX_SHARED_MEMORY_PER_BLOCK_OPTIN;
import static jcuda.driver.CUdevice_attribute.CU_DEVICE_ATTRIBUTE_MULTIPROCESSOR_COUNT;

import java.nio.charset.StandardCharsets;
import jcuda.driver.CUdevice;
import jcuda.driver.JCudaDriver;

/**
 * What a launch plan needs to know of a device, and nothing that needs one: plans are pure
 * functions of a shape and of this.
 *
 * @param name the card; "software CUDA driver (test), ..." where there is none
 * @param major first number of the compute capability
 * @param minor second number of the compute capability
 * @param multiprocessors SMs
 * @param sharedBytes most shared memory of a block, with opt-in
 * @param l2Bytes size of the L2 cache
 * @param memoryBytes all device memory
 */
record DeviceTraits(
    String name,
    int major,
    int minor,
    int multiprocessors,
    int sharedBytes,
    int l2Bytes,
    long memoryBytes) {
  static DeviceTraits of(CUdevice device) {
    byte[] name = new byte[256];
    JCudaDriver.cuDeviceGetName(name, name.length, device);
    long[] memory = new long[1];
    JCudaDriver.cuDeviceTotalMem(memory, device);
    return new DeviceTraits(
        text(name),
        attribute(CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR, device),
        attribute(CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR, device),
        attribute(CU_DEVICE_ATTRIBUTE_MULTIPROCESSOR_COUNT, device),
        attribute(CU_DEVICE_ATTRIBUTE_MAX_SHARED_MEMORY_PER_BLOCK_OPTIN, device),
        attribute(CU_DEVICE_ATTRIBUTE_L2_CACHE_SIZE, device),
        memory[0]);
  }

  private static int attribute(int attribute, CUdevice device) {
    int[] value = new int[1];
    JCudaDriver.cuDeviceGetAttribute(value, attribute, device);
    return value[0];
  }

  /** Up to the first NUL. */
  private static String text(byte[] bytes) {
    int end = 0;
    while (end < bytes.length && bytes[end] != 0) {
      end++;
    }
    return new String(bytes, 0, end, StandardCharsets.UTF_8);
  }

  /** As in {@code sm_90}. */
  String architecture() {
    return "sm_" + major + minor;
  }

  /** As in {@code 9.0}. */
  String computeCapability() {
    return major + "." + minor;
  }
}
