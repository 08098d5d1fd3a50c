package dev.coxswain.backend.cuda;

import dev.coxswain.backend.NativeFolder;
import dev.coxswain.error.DeviceException;
import java.util.Arrays;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import jcuda.CudaException;
import jcuda.driver.CUfunction;
import jcuda.driver.CUmodule;
import jcuda.driver.JCudaDriver;

/**
 * One {@code kernels/NAME.cu} on a device: the cubin for exactly its architecture where we ship one
 * and the driver takes it, else the PTX, which the driver compiles. Thread-safe.
 */
final class CudaModule {
  private static final String FOLDER = "kernels/";

  private final CudaDevice device;
  private final String name;
  private final CUmodule module = new CUmodule();
  private final Map<String, CudaFunction> functions = new ConcurrentHashMap<>();

  /**
   * @throws DeviceException where this build came without a CUDA compiler
   */
  static void requireKernels() {
    if (CudaModule.class.getClassLoader().getResource(FOLDER + "encode.ptx") == null) {
      throw new DeviceException(
          "this build has no kernels: build it again where the CUDA compiler can be fetched");
    }
  }

  /** The device's context must be current. */
  CudaModule(CudaDevice device, String name) {
    this.device = device;
    this.name = name;
    if (!loadsCubin()) {
      loadPtx();
    }
  }

  private boolean loadsCubin() {
    String cubin = FOLDER + name + "." + device.traits().architecture() + ".cubin";
    if (CudaModule.class.getClassLoader().getResource(cubin) == null) {
      return false;
    }
    try {
      JCudaDriver.cuModuleLoadData(module, NativeFolder.resource(cubin));
      return true;
    } catch (CudaException e) {
      if (CudaErrors.refusesImage(e)) {
        return false;
      }
      throw device.failure("load " + cubin, e);
    }
  }

  private void loadPtx() {
    String ptx = FOLDER + name + ".ptx";
    byte[] text = NativeFolder.resource(ptx);
    try {
      JCudaDriver.cuModuleLoadData(module, Arrays.copyOf(text, text.length + 1));
    } catch (CudaException e) {
      if (CudaErrors.name(e).equals(CudaErrors.UNSUPPORTED_PTX_VERSION)) {
        String version = CudaDriver.text(device.driver().version());
        throw new DeviceException(
            "the driver, for CUDA " + version + ", is too old for " + ptx + ": update it", e);
      }
      throw device.failure("load " + ptx, e);
    }
  }

  /**
   * The device's context must be current.
   *
   * @param function as in {@code cox_encode_scan}
   */
  CudaFunction function(String function) {
    return functions.computeIfAbsent(function, this::find);
  }

  private CudaFunction find(String function) {
    CUfunction handle = new CUfunction();
    try {
      JCudaDriver.cuModuleGetFunction(handle, module, function);
    } catch (CudaException e) {
      throw device.failure("find " + function + " in kernels/" + name, e);
    }
    return new CudaFunction(device, function, handle);
  }

  /** To be called once, with the context current, when the device goes. */
  void unload() {
    JCudaDriver.cuModuleUnload(module);
  }
}
