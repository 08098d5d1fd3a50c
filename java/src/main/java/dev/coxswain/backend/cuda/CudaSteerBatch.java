package dev.coxswain.backend.cuda;

import dev.coxswain.backend.Codes;
import dev.coxswain.backend.Requirements;
import dev.coxswain.backend.SteerBatch;
import dev.coxswain.backend.SteerKernel;
import dev.coxswain.tensor.DType;
import dev.coxswain.tensor.HostMemory;
import dev.coxswain.tensor.HostTensor;
import dev.coxswain.tensor.MemorySpace;
import java.util.ArrayList;
import java.util.List;

/**
 * Rows of many plans in one launch. The table that says which block steers which rows stays on the
 * device for as long as batches resemble each other; then a call is a comparison and one launch,
 * and allocates nothing.
 */
final class CudaSteerBatch implements SteerBatch {
  private final CudaDevice device;
  private final List<SteerSlot> slots = new ArrayList<>();
  private final SteerStaging staging = new SteerStaging();
  private boolean closed;

  /** What the current slot's table says, to be compared with the next batch. */
  private SteerSlot current;

  private CudaSteer[] plans = {};
  private int planCount;
  private HostTensor rowPlans = HostTensor.allocate(DType.I32, 64);
  private long rowCount = -1;

  /** The host's stream of the last call. */
  private CudaStream hostStream;

  private long hostHandle;

  private CudaSteerBatch(CudaDevice device) {
    this.device = device;
    this.hostStream = CudaStream.ofHost(device, 0);
  }

  static CudaSteerBatch create(CudaDevice device) {
    device.hold();
    return new CudaSteerBatch(device);
  }

  @Override
  public void apply(
      SteerKernel[] kernels,
      int count,
      long rowKernels,
      long rows,
      long stride,
      long n,
      DType dtype,
      MemorySpace space,
      long stream) {
    requireOpen();
    int code = Codes.of(dtype);
    if (n == 0 || count == 0) {
      return;
    }
    Requirements.steerRows(
        rows, stride, rows, stride, n, kernels[0].width() * (long) dtype.bytes());
    if (space.isHost()) {
      applyToHostRows(kernels, count, rowKernels, rows, stride, n, dtype);
      return;
    }
    if (!space.equals(device.space())) {
      throw new IllegalArgumentException(
          "the rows are in " + space + " memory; this backend steers rows of " + device.space());
    }
    if (stream != hostHandle) {
      hostStream = CudaStream.ofHost(device, stream);
      hostHandle = stream;
    }
    device.enter();
    try {
      enqueue(kernels, count, rowKernels, rows, stride, n, code, hostStream);
    } finally {
      device.leave();
    }
  }

  private void requireOpen() {
    if (closed) {
      throw new IllegalStateException("SteerBatch is closed");
    }
  }

  private void applyToHostRows(
      SteerKernel[] kernels,
      int count,
      long rowKernels,
      long rows,
      long stride,
      long n,
      DType dtype) {
    long rowBytes = kernels[0].width() * (long) dtype.bytes();
    int code = Codes.of(dtype);
    try (CudaLane lane = device.lane()) {
      long packed = staging.pack(rowKernels, rows, stride, n, rowBytes);
      long onDevice = lane.scratch(packed * rowBytes);
      lane.toDevice(staging.rows(), onDevice, packed * rowBytes);
      enqueue(
          kernels, count, staging.rowKernels(), onDevice, rowBytes, packed, code, lane.stream());
      lane.toHost(onDevice, staging.rows(), packed * rowBytes);
      staging.unpack(rowKernels, rows, stride, n, rowBytes);
    }
  }

  private void enqueue(
      SteerKernel[] kernels,
      int count,
      long rowKernels,
      long rows,
      long stride,
      long n,
      int dtype,
      CudaStream stream) {
    boolean known = isCurrent(kernels, count, rowKernels, n, stream);
    if (!known) {
      take(kernels, count, rowKernels, n);
    }
    int held = 0;
    try {
      for (; held < count; held++) {
        plans[held].acquire();
      }
      if (!known) {
        makeTable(stream);
      }
      current.launch(rows, stride, dtype);
    } finally {
      for (int k = 0; k < held; k++) {
        plans[k].release();
      }
    }
  }

  private boolean isCurrent(
      SteerKernel[] kernels, int count, long rowKernels, long n, CudaStream stream) {
    if (count != planCount || n != rowCount || current == null || current.stream() != stream) {
      return false;
    }
    for (int k = 0; k < count; k++) {
      if (kernels[k] != plans[k]) {
        return false;
      }
    }
    long known = rowPlans.view().address();
    for (long at = 0; at < 4 * n; at += 4) {
      if (HostMemory.getInt(known + at) != HostMemory.getInt(rowKernels + at)) {
        return false;
      }
    }
    return true;
  }

  /** Keeps the batch's plans and rows. */
  private void take(SteerKernel[] kernels, int count, long rowKernels, long n) {
    current = null;
    Requirements.rowKernels(count, rowKernels, n);
    if (plans.length < count) {
      plans = new CudaSteer[2 * count];
    }
    for (int k = 0; k < count; k++) {
      plans[k] = own(kernels[k], kernels[0].width());
    }
    if (rowPlans.shape().elements() < n) {
      rowPlans.close();
      rowPlans = HostTensor.allocate(DType.I32, 2 * n);
    }
    HostMemory.copy(rowKernels, rowPlans.view().address(), 4 * n);
    planCount = count;
    rowCount = n;
  }

  private CudaSteer own(SteerKernel kernel, int width) {
    if (!(kernel instanceof CudaSteer plan) || plan.device() != device) {
      throw new IllegalArgumentException(
          "a kernel of another backend in a batch of " + device.space());
    }
    Requirements.steerRule(width, plan.width());
    return plan;
  }

  private void makeTable(CudaStream stream) {
    long reads = 0;
    for (int k = 0; k < planCount; k++) {
      reads = Math.max(reads, plans[k].isWide() ? 0 : plans[k].reads());
    }
    SteerLaunch launch = SteerLaunch.of(plans[0].width(), reads, device.traits());
    SteerSlot slot = idleSlot();
    slot.fill(stream, rowPlans.view().address(), rowCount, plans, planCount, launch);
    current = slot;
  }

  private SteerSlot idleSlot() {
    for (int i = 0; i < slots.size(); i++) {
      if (slots.get(i).rows() >= rowCount && slots.get(i).isIdle()) {
        return slots.get(i);
      }
    }
    SteerSlot slot = new SteerSlot(device, Math.max(64, 2 * rowCount));
    slots.add(slot);
    return slot;
  }

  @Override
  public void count(long counters) {
    for (int i = 0; i < slots.size(); i++) {
      slots.get(i).count(counters);
    }
  }

  @Override
  public void close() {
    if (closed) {
      return;
    }
    closed = true;
    rowPlans.close();
    staging.close();
    device.quietly("free a batch's tables", () -> slots.forEach(SteerSlot::free));
    device.letGo();
  }
}
