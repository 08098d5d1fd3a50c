/**
 * The CUDA backend: hand-written kernels ({@code kernels/*.cu}) launched through JCuda's driver
 * API.
 *
 * <p><b>An operation</b> is a class that owns nothing: it is given the {@link
 * dev.coxswain.backend.cuda.CudaDevice} when the backend opens and a {@link
 * dev.coxswain.backend.cuda.CudaLane} (stream, scratch memory, launch block) for each call. How it
 * launches is a plan: a record computed from the shape and the {@link
 * dev.coxswain.backend.cuda.DeviceTraits} alone, so that it is printed and tested without a GPU.
 *
 * <pre>
 * final class CudaDecode {
 *   private final CudaDevice device;
 *
 *   long decode(CudaLane lane, Decoder decoder, SparseRows active, TensorView xHat) {
 *     DecodePlan plan = DecodePlan.of(active.rows(), decoder.width(), device.traits());
 *     long clamped = lane.scratch(8);                           // until the lane is closed
 *     lane.fill(clamped, (byte) 0, 8);
 *     lane.args()                                               // DecodeArgs, field by field
 *         .add(device.address("W_dec", decoder.wDec()))         // pointers and int64_t
 *         .add(active.rows())
 *         .add(1.0);                                            // a double
 *     lane.launch(device.function("decode", "cox_decode"), plan.shape());
 *     return HostMemory.getLong(lane.fetch(clamped, 8));        // the call's only wait
 *   }
 * }
 * </pre>
 *
 * <p>In {@link dev.coxswain.backend.cuda.CudaBackend} it takes three lines: a field {@code private
 * final CudaDecode decode}, {@code decode = new CudaDecode(device)} in the constructor, and in the
 * operation, after the {@code Requirements},
 *
 * <pre>
 * try (CudaLane lane = device.lane()) {
 *   return decode.decode(lane, decoder, active, xHat);
 * }
 * </pre>
 *
 * <p>What is computed from weights once and kept (a narrower copy, norms) hangs on the buffer that
 * holds them ({@code device.bufferAt(address)}, {@code DeviceBuffer.derived}) and goes with it.
 * Operations that change a tensor say so by {@code device.written(view)}.
 *
 * <p>What it must compute is tested by {@code backend/contract}, on the software CUDA driver
 * ({@code build/release/softcuda}):
 *
 * <pre>
 * mvn -q -ntp -o -pl java -Dcox.skip.native=true -Dcox.skip.cuda=false test-compile \
 *     surefire:test@cuda -Dtest=EncodeTest -Dcox.softcuda.seed=7
 * </pre>
 *
 * Tests of this package's own carry the tag {@code cuda}.
 */
package dev.coxswain.backend.cuda;
