// How streams order work, and capture.
#include "call.h"
#include "graph.h"
#include "state.h"

namespace softcuda {
namespace {

CUresult captureNode(Stream& stream, Work work) {
  Capture& capture = *stream.capture;
  if (capture.invalidated) return CUDA_ERROR_STREAM_CAPTURE_INVALIDATED;
  stream.captured = {capture.graph->add(std::move(work), stream.captured)};
  return CUDA_SUCCESS;
}

// The legacy stream waits for every blocking stream; with one of them captured that cannot be.
bool breaksCapture(Stream& stream) {
  if (!stream.legacy) return false;
  bool broken = false;
  const auto look = [&](Stream& other) {
    if (other.context != stream.context || !other.blocking() || !other.capture) return;
    other.capture->invalidated = true;
    broken = true;
  };
  Driver::get().streams.each(look);
  for (const auto& [thread, other] : stream.context->perThread) look(*other);
  return broken;
}

template <class W>
std::function<CUresult()> runner(Context& context, W work) {
  return [&context, work = std::move(work)] { return execute(context, work); };
}

}  // namespace

std::shared_ptr<Op> submitInOrder(Stream& stream, std::vector<std::shared_ptr<Op>> alsoAfter,
                                  std::function<CUresult()> run, Op::HostCall host) {
  Driver& driver = Driver::get();
  Context& context = *stream.context;
  std::vector<std::shared_ptr<Op>> after = std::move(alsoAfter);
  after.push_back(stream.tail);
  if (stream.legacy) {
    driver.streams.each([&](Stream& other) {
      if (other.context == &context && other.blocking()) after.push_back(other.tail);
    });
    for (const auto& [thread, other] : context.perThread) after.push_back(other->tail);
    after.insert(after.end(), context.orphans.begin(), context.orphans.end());
    context.orphans.clear();
  } else if (stream.blocking()) {
    after.push_back(context.legacy->tail);
  }
  // In eager order the operation has run when submit returns; the tail is only kept for the next one.
  stream.tail =
      driver.queue.submit(context.shared_from_this(), std::move(after), std::move(run), std::move(host));
  return stream.tail;
}

CUresult enqueue(Stream& stream, Work work) {
  if (stream.capture) return captureNode(stream, std::move(work));
  if (breaksCapture(stream))
    return refuse("legacy stream", CUDA_ERROR_STREAM_CAPTURE_IMPLICIT,
                  "used while a blocking stream is captured");
  Context& context = *stream.context;
  if (auto* kernel = std::get_if<KernelWork>(&work))
    submitInOrder(stream, {}, runner(context, std::move(*kernel)));
  else if (auto* copy = std::get_if<CopyWork>(&work))
    submitInOrder(stream, {}, runner(context, std::move(*copy)));
  else if (auto* set = std::get_if<MemsetWork>(&work))
    submitInOrder(stream, {}, runner(context, std::move(*set)));
  else if (auto* library = std::get_if<LibraryWork>(&work))
    submitInOrder(stream, {}, std::move(library->run));
  else if (auto* host = std::get_if<HostWork>(&work)) {
    const auto asked = host->asked;
    submitInOrder(stream, {}, nullptr, {[asked](CUresult) { asked.fn(asked.userData); }, false});
  }
  return CUDA_SUCCESS;
}

void awaitStream(Stream& stream) {
  Driver& driver = Driver::get();
  if (!stream.legacy) return driver.queue.await(stream.tail);
  // Waiting for the legacy stream waits for the blocking ones too.
  driver.queue.await(submitInOrder(stream, {}, nullptr));
}

}  // namespace softcuda
