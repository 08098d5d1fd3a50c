package dev.coxswain.backend.cuda;

/**
 * Canonical dots or scores of prepared rows with all features, in memory of the lane
 * (kernels/encode_scan.cu, explain_logits.cu).
 */
final class EncodeScores {
  private final CudaLane lane;
  private final EncodeCall call;
  private final EncodePlan plan;
  private final long address;
  private final long gathered;

  /**
   * @param rows most rows at a time
   */
  EncodeScores(CudaLane lane, EncodeCall call, EncodePlan plan, long rows) {
    this.lane = lane;
    this.call = call;
    this.plan = plan;
    this.address = lane.scratch(4 * rows * call.features());
    boolean gathers = plan.path() == EncodePath.FULL && call.subset() != 0;
    this.gathered = gathers ? lane.scratch(4 * plan.gatheredFeatures() * call.width()) : 0;
  }

  /** F32 [rows, features]. */
  long address() {
    return address;
  }

  /**
   * Scores of some rows.
   *
   * @param prepared F32 [blockRows, stride]
   * @param rowList I32 [rows]: their numbers; 0: the first rows
   */
  void scan(long prepared, long rowList, long rows) {
    lane.args()
        .add(call.wEnc())
        .add(call.bEnc())
        .add(call.subset())
        .add(prepared)
        .add(rowList)
        .add(address)
        .add(call.features())
        .add(call.width())
        .add(plan.preparedStride())
        .add(rows)
        .add(plan.scanRun());
    launch("encode_scan", plan.scanKernel(), plan.scan(rows));
  }

  /** Dots of the first rows: scores without the bias. */
  void dots(long prepared, long rows) {
    if (call.subset() == 0) {
      dots(prepared, rows, call.wEnc(), 0, call.features());
      return;
    }
    for (long first = 0; first < call.features(); first += plan.gatheredFeatures()) {
      long features = Math.min(plan.gatheredFeatures(), call.features() - first);
      lane.args().add(call.wEnc()).add(call.subset() + 4 * first).add(gathered).add(call.width());
      launch("encode_scan", "cox_encode_gather", plan.oneBlockEach(features));
      dots(prepared, rows, gathered, first, features);
    }
  }

  private void dots(long prepared, long rows, long weights, long first, long features) {
    lane.args()
        .add(prepared)
        .add(weights)
        .add(address + 4 * first)
        .add(rows)
        .add(features)
        .add(call.width())
        .add(call.features());
    String kernel = call.aligned() ? "cox_explain_logits" : "cox_explain_logits_any";
    launch("explain_logits", kernel, ExplainPlan.dots(rows, features));
  }

  private void launch(String module, String kernel, LaunchShape shape) {
    lane.launch(lane.device().function(module, kernel), shape);
  }
}
