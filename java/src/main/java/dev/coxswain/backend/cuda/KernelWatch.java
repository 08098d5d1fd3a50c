package dev.coxswain.backend.cuda;

import dev.coxswain.backend.DeviceProbe.KernelTime;
import java.util.ArrayList;
import java.util.List;
import jcuda.CudaException;
import jcuda.driver.CUevent;
import jcuda.driver.CUstream;
import jcuda.driver.JCudaDriver;

/**
 * Times kernels by an event before and one after each launch, while it is on; while it is off a
 * launch pays for one read. Thread-safe; the device's context must be current for every call.
 */
final class KernelWatch {
  private record Launch(String name, CUevent begin, CUevent end) {}

  private final CudaDevice device;
  private final List<Launch> launches = new ArrayList<>();
  private volatile boolean on;

  KernelWatch(CudaDevice device) {
    this.device = device;
  }

  boolean isOn() {
    return on;
  }

  void start() {
    on = true;
  }

  /** Enqueues a launch between two events. */
  synchronized void around(String name, CUstream stream, Runnable launch) {
    CUevent begin = record(stream);
    launch.run();
    launches.add(new Launch(name, begin, record(stream)));
  }

  /** How long each launch since the start took, all of them waited for. */
  synchronized List<KernelTime> times() {
    return launches.stream().map(this::time).toList();
  }

  /** Off again, the launches forgotten. */
  synchronized void stop() {
    on = false;
    launches.forEach(launch -> destroy(launch.begin(), launch.end()));
    launches.clear();
  }

  private KernelTime time(Launch launch) {
    return new KernelTime(launch.name(), seconds(launch.begin(), launch.end()));
  }

  /** Seconds from one event to a later one, which is waited for. */
  double seconds(CUevent begin, CUevent end) {
    float[] milliseconds = new float[1];
    try {
      JCudaDriver.cuEventSynchronize(end);
      JCudaDriver.cuEventElapsedTime(milliseconds, begin, end);
    } catch (CudaException e) {
      throw device.failure("read its clock", e);
    }
    return milliseconds[0] / 1e3;
  }

  /** An event that has been put into the stream; {@link #destroy} ends it. */
  CUevent record(CUstream stream) {
    CUevent event = new CUevent();
    try {
      JCudaDriver.cuEventCreate(event, 0);
      JCudaDriver.cuEventRecord(event, stream);
    } catch (CudaException e) {
      throw device.failure("record an event", e);
    }
    return event;
  }

  void destroy(CUevent... events) {
    for (CUevent event : events) {
      device.quietly("free an event", () -> JCudaDriver.cuEventDestroy(event));
    }
  }
}
