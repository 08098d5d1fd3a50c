// A host in C: loads an SAE, and lets a plan steer one of two rows of hidden states in place.
//
//   cc host.c -I$COX/native/include -L$COX/build/release/native -lcoxswain -o host
//   COX_JAR="$COX/build/app/coxswain.jar:$COX/build/app/lib/*" ./host SAE
#include <coxswain/coxswain.h>
#include <stdio.h>
#include <stdlib.h>

static void check(int status) {
  if (status >= COX_OK) return;
  fprintf(stderr, "host: %s\n", cox_last_error());
  exit(1);
}

int main(int argc, char** argv) {
  enum { LAYER = 14, ROWS = 2 };
  cox_engine* engine;
  cox_sae* sae;
  cox_plan* plan;
  cox_lane* lane;  // one for each thread that evaluates the model
  check(cox_engine_open(NULL, &engine));
  check(cox_sae_load(engine, argc > 1 ? argv[1] : "sae", &sae));
  cox_plan_options options = {.size = sizeof options, .sae = sae, .layer = LAYER};
  options.json = "{\"rules\": [{\"op\": \"clamp\", \"features\": [3], \"value\": 5.0}]}";
  check(cox_plan_compile(engine, &options, &plan));
  check(cox_lane_open(engine, &lane));

  // One forward pass: say what the rows are, then hand over each layer's block that is asked for.
  cox_sae_info info = {.size = sizeof info};
  check(cox_sae_describe(sae, &info));
  float* x = calloc((size_t)ROWS * (size_t)info.width, sizeof *x);
  cox_row rows[ROWS] = {{.request = 1, .plan = plan, .position = 9, .flags = COX_ROW_GENERATED},
                        {.request = 2, .plan = NULL, .position = 4, .flags = COX_ROW_GENERATED}};
  check(cox_begin(lane, rows, ROWS));
  for (int layer = 0; layer < 30; ++layer) {  // the model computes the layer, and then:
    if (!cox_wants(lane, layer)) continue;
    cox_block block = {.size = sizeof block, .layer = layer, .dtype = COX_F32, .data = x, .rows = ROWS};
    block.width = info.width;
    check(cox_layer(lane, &block));
  }
  check(cox_end(lane, 0));

  cox_lane_statistics counts = {.size = sizeof counts};
  check(cox_lane_describe(lane, &counts));
  printf("%llu of %llu rows steered: x[0][0] = %g, x[1][0] = %g\n", (unsigned long long)counts.steered,
         (unsigned long long)counts.rows, (double)x[0], (double)x[info.width]);
  free(x);
  check(cox_lane_close(lane));
  check(cox_engine_close(engine));  // its SAEs and plans go with it
  return 0;
}
