package dev.coxswain.backend.cpu;

import dev.coxswain.backend.Codes;
import dev.coxswain.backend.Decoder;
import dev.coxswain.backend.EncodeReport;
import dev.coxswain.backend.Encoder;
import dev.coxswain.backend.Normalization;
import dev.coxswain.backend.Requirements;
import dev.coxswain.backend.SparseRows;
import dev.coxswain.tensor.DType;
import dev.coxswain.tensor.HostMemory;
import dev.coxswain.tensor.HostTensor;
import dev.coxswain.tensor.TensorView;

/** Encode and decode: checks, then one native call. */
final class CpuCodec {
  private CpuCodec() {}

  static EncodeReport encode(long device, Encoder encoder, TensorView x, SparseRows active) {
    Requirements.encode(encoder, x, active);
    long rows = active.rows();
    long xAddress = Checks.host("x", x);
    try (HostTensor report = HostTensor.allocate(DType.I64, 5)) {
      long reportAddress = report.view().address();
      Native.encode(
          device,
          Checks.host("W_enc", encoder.wEnc()),
          Checks.host("b_enc", encoder.bEnc()),
          Checks.host("b_dec", encoder.subtract()),
          Checks.host("threshold", encoder.threshold()),
          encoder.features(),
          encoder.width(),
          Codes.of(encoder.activation()),
          encoder.k(),
          Codes.of(encoder.normalization()),
          xAddress,
          Codes.of(x.dtype()),
          rows,
          Checks.host("values", active.values()),
          Checks.host("indices", active.indices()),
          Checks.host("normalization", active.normalization()),
          active.width(),
          reportAddress);
      return report(reportAddress);
    }
  }

  private static EncodeReport report(long address) {
    return new EncodeReport(
        HostMemory.getLong(address),
        HostMemory.getLong(address + 8),
        HostMemory.getLong(address + 16),
        HostMemory.getLong(address + 24),
        HostMemory.getLong(address + 32));
  }

  static long decode(long device, Decoder decoder, SparseRows active, TensorView xHat) {
    Requirements.decode(decoder, active, xHat);
    long rows = active.rows();
    long xHatAddress = Checks.host("x̂", xHat);
    return Native.decode(
        device,
        Checks.host("W_dec", decoder.wDec()),
        Checks.host("b_dec", decoder.bDec()),
        decoder.features(),
        decoder.width(),
        decoder.normalization() != Normalization.NONE,
        Checks.host("values", active.values()),
        Checks.host("indices", active.indices()),
        Checks.host("normalization", active.normalization()),
        active.width(),
        rows,
        xHatAddress,
        Codes.of(xHat.dtype()));
  }
}
