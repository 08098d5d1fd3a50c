package dev.coxswain.sae;

import dev.coxswain.backend.Activation;
import dev.coxswain.backend.Normalization;
import dev.coxswain.error.InvalidDataException;
import dev.coxswain.tensor.DType;
import dev.coxswain.tensor.HostTensor;
import dev.coxswain.tensor.Shape;
import dev.coxswain.tensor.TensorView;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/**
 * A sparse autoencoder whose invariants hold: shapes agree, every weight is finite, 1 ≤ k ≤ F.
 * Immutable and thread-safe; it owns its tensors (float32, host memory) until {@link #close()}.
 *
 * <p>z = (norm(x) − δ·b_dec)·W_enc + b_enc; a = activation(z); x̂ = norm⁻¹(a·W_dec + b_dec).
 * Whatever else a file format has (decoder-norm rescaling, dataset scales) is folded into these
 * when read.
 */
public final class SparseAutoencoder implements AutoCloseable {
  private final HostTensor wEnc;
  private final HostTensor bEnc;
  private final HostTensor wDec;
  private final HostTensor bDec;
  private final Optional<HostTensor> threshold;
  private final Activation activation;
  private final int k;
  private final boolean subtractsBDec;
  private final Normalization normalization;
  private final Map<String, String> metadata;

  private SparseAutoencoder(Builder builder) {
    this.wEnc = builder.wEnc;
    this.bEnc = builder.bEnc;
    this.wDec = builder.wDec;
    this.bDec = builder.bDec;
    this.threshold = builder.threshold;
    this.activation = builder.activation;
    this.k = builder.k;
    this.subtractsBDec = builder.subtractsBDec;
    this.normalization = builder.normalization;
    this.metadata = Map.copyOf(builder.metadata);
  }

  public static Builder builder() {
    return new Builder();
  }

  /** d: width of the hidden state. */
  public int width() {
    return Math.toIntExact(wEnc.shape().extent(1));
  }

  /** F: size of the dictionary. */
  public int features() {
    return Math.toIntExact(wEnc.shape().extent(0));
  }

  /** Features selected a row for TOP_K, else 0. */
  public int k() {
    return k;
  }

  public Activation activation() {
    return activation;
  }

  /** δ: whether b_dec is subtracted from the (normalised) input. */
  public boolean subtractsBDec() {
    return subtractsBDec;
  }

  public Normalization normalization() {
    return normalization;
  }

  /** W_enc with one row a feature; F32 [F, d]. */
  public TensorView wEnc() {
    return wEnc.view();
  }

  /** F32 [F]. */
  public TensorView bEnc() {
    return bEnc.view();
  }

  /** F32 [F, d]. */
  public TensorView wDec() {
    return wDec.view();
  }

  /** F32 [d]. */
  public TensorView bDec() {
    return bDec.view();
  }

  /** θ, none negative; F32 [F]; present exactly for JUMP_RELU. */
  public Optional<TensorView> threshold() {
    return threshold.map(HostTensor::view);
  }

  /**
   * What is known of its origin, as text by dotted name ({@code model_name}, {@code hook_name},
   * {@code coxswain.mean_norm}, …).
   */
  public Map<String, String> metadata() {
    return metadata;
  }

  /** The mean norm of the rows it was trained on, which relative strengths refer to. */
  public Optional<Double> meanNorm() {
    return Optional.ofNullable(metadata.get(MEAN_NORM)).map(Double::parseDouble);
  }

  /** Metadata key: mean ‖x‖ of the training rows, in units of the hidden state. */
  public static final String MEAN_NORM = "coxswain.mean_norm";

  /** Metadata key: SHA-256 of the model file the hidden states came from. */
  public static final String MODEL_SHA256 = "coxswain.model_sha256";

  /** Metadata key: the block (0-based) whose output it reads. */
  public static final String LAYER = "coxswain.layer";

  @Override
  public void close() {
    wEnc.close();
    bEnc.close();
    wDec.close();
    bDec.close();
    threshold.ifPresent(HostTensor::close);
  }

  /** Collects the parts; {@link #build()} checks them and takes over the tensors. */
  public static final class Builder {
    private HostTensor wEnc;
    private HostTensor bEnc;
    private HostTensor wDec;
    private HostTensor bDec;
    private Optional<HostTensor> threshold = Optional.empty();
    private Activation activation;
    private int k;
    private boolean subtractsBDec;
    private Normalization normalization = Normalization.NONE;
    private final Map<String, String> metadata = new TreeMap<>();

    private Builder() {}

    /** W_enc, one row a feature; F32 [F, d]. */
    public Builder wEnc(HostTensor value) {
      wEnc = value;
      return this;
    }

    /** F32 [F]. */
    public Builder bEnc(HostTensor value) {
      bEnc = value;
      return this;
    }

    /** F32 [F, d]. */
    public Builder wDec(HostTensor value) {
      wDec = value;
      return this;
    }

    /** F32 [d]. */
    public Builder bDec(HostTensor value) {
      bDec = value;
      return this;
    }

    public Builder topK(int value) {
      activation = Activation.TOP_K;
      k = value;
      return this;
    }

    public Builder relu() {
      activation = Activation.RELU;
      return this;
    }

    /** θ; F32 [F]; negative entries count as 0. */
    public Builder jumpRelu(HostTensor value) {
      activation = Activation.JUMP_RELU;
      threshold = Optional.of(value);
      return this;
    }

    public Builder subtractsBDec(boolean value) {
      subtractsBDec = value;
      return this;
    }

    public Builder normalization(Normalization value) {
      normalization = value;
      return this;
    }

    public Builder metadata(String name, String value) {
      metadata.put(name, value);
      return this;
    }

    public Builder metadata(Map<String, String> values) {
      metadata.putAll(values);
      return this;
    }

    /**
     * @throws InvalidDataException where shapes contradict, k is out of range, or a weight is not
     *     finite; the tensors then stay the caller's
     */
    public SparseAutoencoder build() {
      requireShapes();
      requireFinite("W_enc", wEnc);
      requireFinite("b_enc", bEnc);
      requireFinite("W_dec", wDec);
      requireFinite("b_dec", bDec);
      threshold.ifPresent(this::requireThreshold);
      return new SparseAutoencoder(this);
    }

    private void requireShapes() {
      if (wEnc.shape().rank() != 2) {
        throw new InvalidDataException("W_enc has shape " + wEnc.shape() + "; [F, d] is needed");
      }
      long features = wEnc.shape().extent(0);
      long width = wEnc.shape().extent(1);
      if (features < 1 || width < 1 || features > Integer.MAX_VALUE || width > Integer.MAX_VALUE) {
        throw new InvalidDataException(
            "W_enc has shape " + wEnc.shape() + "; F and d must be 1 to 2^31-1");
      }
      require("b_enc", bEnc, features);
      require("W_dec", wDec, features, width);
      require("b_dec", bDec, width);
      threshold.ifPresent(value -> require("threshold", value, features));
      if (activation == Activation.TOP_K && (k < 1 || k > features)) {
        throw new InvalidDataException("k = " + k + " is not between 1 and F = " + features);
      }
    }

    private static void require(String name, HostTensor tensor, long... shape) {
      if (tensor.dtype() != DType.F32 || !tensor.shape().is(shape)) {
        throw new InvalidDataException(
            name
                + " is "
                + tensor.dtype()
                + " "
                + tensor.shape()
                + "; F32 "
                + Shape.of(shape)
                + " is needed");
      }
    }

    private void requireThreshold(HostTensor tensor) {
      requireFinite("threshold", tensor);
      for (long f = 0; f < tensor.shape().elements(); f++) {
        tensor.setFloat(f, Math.max(tensor.getFloat(f), 0f));
      }
    }

    private static void requireFinite(String name, HostTensor tensor) {
      for (long i = 0; i < tensor.shape().elements(); i++) {
        if (!Float.isFinite(tensor.getFloat(i))) {
          throw new InvalidDataException(
              name
                  + " holds "
                  + tensor.getFloat(i)
                  + " at element "
                  + i
                  + "; every weight must be finite");
        }
      }
    }
  }
}
