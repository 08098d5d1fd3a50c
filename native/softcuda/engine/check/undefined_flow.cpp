// Undefined values: what each instruction makes of them.
#include <cstring>
#include <string_view>
#include <typeinfo>

#include "check/undefined.h"
#include "execute/handlers.h"
#include "execute/launch.h"

namespace softcuda {
namespace {

constexpr const char* kAddress = "is used as an address";

// The union over an instruction's sources.
struct Sources {
  explicit Sources(Warp& warp) : w(warp) {}
  Warp& w;
  uint32_t lanes = 0;
  Origin origin;
  void add(Ref ref) {
    Origin from;
    uint32_t more = undefinedLanes(w, ref, &from);
    if (more != 0 && lanes == 0) origin = from;
    lanes |= more;
  }
};

bool startsWith(std::string_view text, std::string_view head) { return text.substr(0, head.size()) == head; }
bool endsWith(std::string_view text, std::string_view tail) {
  return text.size() >= tail.size() && text.substr(text.size() - tail.size()) == tail;
}

template <class T>
uint32_t lanesEqual(Warp& w, Ref ref, T value) {
  uint32_t equal = 0;
  for (int lane = 0; lane < 32; ++lane)
    equal |= static_cast<uint32_t>(lanes<T>(w, ref)[lane] == value) << lane;
  return equal;
}

// The lanes in which a defined `ref` decides an `and` (with 0) or an `or` (with all ones) alone.
uint32_t deciding(Warp& w, Ref ref, std::string_view op, bool isAnd) {
  uint32_t same;
  if (endsWith(op, ".pred")) {
    same = isAnd ? ~predicate(w, ref) : predicate(w, ref);
  } else if (endsWith(op, "64")) {
    same = lanesEqual<uint64_t>(w, ref, isAnd ? 0 : ~0ull);
  } else if (endsWith(op, "16")) {
    same = lanesEqual<uint16_t>(w, ref, isAnd ? 0 : 0xffff);
  } else {
    same = lanesEqual<uint32_t>(w, ref, isAnd ? 0 : ~0u);
  }
  return same & ~undefinedLanes(w, ref);
}

// d = a and b, d = a or b.
void logic(Warp& w, const Instr& in, uint32_t mask, std::string_view op) {
  bool isAnd = op[0] == 'a';
  Sources sources(w);
  sources.add(in.a), sources.add(in.b);
  uint32_t decided = deciding(w, in.a, op, isAnd) | deciding(w, in.b, op, isAnd);
  setUndefined(w, in.d, mask, sources.lanes & ~decided, sources.origin);
  in.run(w, in, mask);
}

// d = c ? a : b.
void choose(Warp& w, const Instr& in, uint32_t mask, std::string_view op) {
  uint32_t first = 0;
  if (op[1] == 'e') {  // selp
    first = predicate(w, in.c);
  } else {
    bool isFloat = endsWith(op, ".f32");
    for (int lane = 0; lane < 32; ++lane) {
      bool positive = isFloat ? lanes<float>(w, in.c)[lane] >= 0 : lanes<int32_t>(w, in.c)[lane] >= 0;
      first |= static_cast<uint32_t>(positive) << lane;
    }
  }
  Origin of[3];
  uint32_t a = undefinedLanes(w, in.a, &of[0]) & first, b = undefinedLanes(w, in.b, &of[1]) & ~first,
           c = undefinedLanes(w, in.c, &of[2]);
  setUndefined(w, in.d, mask, a | b | c, (c & mask) != 0 ? of[2] : (a & mask) != 0 ? of[0] : of[1]);
  in.run(w, in, mask);
}

// d|e = (a cmp b) and its opposite, each combined with the predicate c: `and` with false and `or` with true
// are decided, whichever of the two it is.
void compare(Warp& w, const Instr& in, uint32_t mask) {
  uint32_t combination = in.c == kNoRef ? 0 : in.flags & 3;
  Sources sources(w);
  sources.add(in.a), sources.add(in.b);
  uint32_t compared = sources.lanes, with = 0, decided = 0;
  if (combination != 0) {
    sources.add(in.c);
    with = undefinedLanes(w, in.c);
    // An undefined c may have any value: the one that leaves the decision to the comparison.
    if (combination < 3 && (with & mask) != 0) {
      bool neutral = (combination == 1) != ((in.c & kNegated) != 0);
      setPredicate(w, in.c & ~kNegated, neutral ? ~0u : 0, with & mask);
    }
    uint32_t value = predicate(w, in.c);
    decided = (combination == 1 ? ~value : combination == 2 ? value : 0) & ~with;
  }
  in.run(w, in, mask);
  for (Ref result : {in.d, in.e}) {
    if (result == kNoRef) continue;
    uint32_t value = predicate(w, result);
    uint32_t byComparison = combination == 1 ? ~value : combination == 2 ? value : 0;
    uint32_t defined = (decided & compared) | (byComparison & with & ~compared) | ~(compared | with);
    setUndefined(w, result, mask, ~defined, sources.origin);
  }
}

void carry(Warp& w, const Instr& in, uint32_t mask) {
  Sources sources(w);
  for (Ref ref : {in.a, in.b, in.c}) sources.add(ref);
  Origin from;
  if ((in.flags & 1) != 0) {
    uint32_t flag = w.undefined.of(nullptr, Undefined::kCarry, &from);
    if (flag != 0 && sources.lanes == 0) sources.origin = from;
    sources.lanes |= flag;
  }
  setUndefined(w, in.d, mask, sources.lanes, sources.origin);
  if ((in.flags & 2) != 0)
    w.undefined.assign(nullptr, Undefined::kCarry, mask, sources.lanes, sources.origin);
  in.run(w, in, mask);
}

// Arithmetic, moves, conversions, packs: d of everything else.
void plain(Warp& w, const Instr& in, uint32_t mask) {
  Sources sources(w);
  for (Ref ref : {in.a, in.b, in.c, in.e}) sources.add(ref);
  const auto* pack =
      in.run == packLanes || in.run == unpackLanes ? static_cast<const PackDetail*>(in.detail) : nullptr;
  if (in.run == packLanes)
    for (Ref ref : pack->parts) sources.add(ref);
  if (in.run == moveMatrix && sources.lanes != 0) sources.lanes = ~0u;
  setUndefined(w, in.d, mask, sources.lanes, sources.origin);
  if (in.run == unpackLanes)
    for (Ref ref : pack->parts) setUndefined(w, ref, mask, sources.lanes, sources.origin);
  in.run(w, in, mask);
}

// Calls each(row, column, register, lane) for what the lanes hold of a matrix.
template <class F>
void eachCell(const Fragment& f, F each) {
  bool split = f.perLane == 2 && f.registers.size() >= 2 * f.tiles() && ptx::bitsOf(f.type) != 16;
  unsigned down = f.rows / 8;
  for (unsigned r = 0; r < f.registers.size(); ++r) {
    unsigned tile = (split ? r / 2 : r) % f.tiles();
    for (unsigned lane = 0; lane < 32; ++lane)
      for (unsigned i = split ? r % 2 : 0; i < (split ? r % 2 + 1 : f.perLane); ++i)
        each(tile % down * 8 + lane / 4, tile / down * 4 * f.perLane + lane % 4 * f.perLane + i,
             f.registers[r], lane);
  }
}

// An element of a product is undefined with its row of a, its column of b or its element of c.
void product(Warp& w, const Instr& in, uint32_t mask) {
  const auto& mma = static_cast<const MmaDetail&>(*in.detail);
  uint32_t rows = 0, columns = 0, cells[32] = {};
  Sources sources(w);
  for (const Fragment* each : {&mma.a, &mma.b, &mma.c})
    for (Ref ref : each->registers) sources.add(ref);
  if (sources.lanes != 0) {
    auto bad = [&](Ref ref, unsigned lane) { return undefinedLanes(w, ref) >> lane & 1; };
    eachCell(mma.a, [&](unsigned r, unsigned, Ref ref, unsigned lane) { rows |= bad(ref, lane) << r; });
    eachCell(mma.b, [&](unsigned r, unsigned, Ref ref, unsigned lane) { columns |= bad(ref, lane) << r; });
    eachCell(mma.c, [&](unsigned r, unsigned c, Ref ref, unsigned lane) { cells[r] |= bad(ref, lane) << c; });
  }
  for (Ref ref : mma.d.registers) setUndefined(w, ref, mask, 0, sources.origin);
  if (sources.lanes != 0)
    eachCell(mma.d, [&](unsigned r, unsigned c, Ref ref, unsigned lane) {
      if (((rows >> r | columns >> c | cells[r] >> c) & 1) != 0)
        setUndefined(w, ref, mask & 1u << lane, ~0u, sources.origin);
    });
  in.run(w, in, mask);
}

// Loads and stores: the values go their ways when the bytes do (loadUndefined, storeUndefined).
void access(Warp& w, const Instr& in, uint32_t mask) {
  const auto& detail = static_cast<const MemoryDetail&>(*in.detail);
  uint32_t addressed = mask;
  if (typeid(detail) == typeid(MatrixDetail)) {
    unsigned matrices = static_cast<const MatrixDetail&>(detail).matrices;
    addressed = matrices == 4 ? ~0u : (1u << 8 * matrices) - 1;
  }
  useUndefined(w, detail.base, addressed, kAddress);
  const std::vector<Ref>* registers = &detail.registers;
  if (typeid(detail) == typeid(FragmentDetail)) {
    const auto& fragment = static_cast<const FragmentDetail&>(detail);
    useUndefined(w, fragment.stride, mask, kAddress);
    registers = &fragment.fragment.registers;
  }
  bool stores = startsWith(w.function->opcodes[w.pc], "st") ||
                w.function->opcodes[w.pc].find(".store.") != std::string::npos;
  if (!stores)
    for (Ref ref : *registers) setUndefined(w, ref, mask, 0, {});
  in.run(w, in, mask);
}

void atomic(Warp& w, const Instr& in, uint32_t mask) {
  useUndefined(w, static_cast<const AtomicDetail&>(*in.detail).base, mask, kAddress);
  useUndefined(w, in.a, mask, "goes into an atomic operation");
  useUndefined(w, in.b, mask, "goes into an atomic operation");
  setUndefined(w, in.d, mask, 0, {});
  in.run(w, in, mask);
}

void copy(Warp& w, const Instr& in, uint32_t mask) {
  const auto& detail = static_cast<const CopyDetail&>(*in.detail);
  for (Ref ref : {detail.base, detail.source.base, detail.barrier.base}) useUndefined(w, ref, mask, kAddress);
  for (Ref ref : {detail.sourceBytes, detail.ignore, detail.size})
    useUndefined(w, ref, mask, "decides how much is copied");
  in.run(w, in, mask);
}

void barrierOperands(Warp& w, const Instr& in, uint32_t mask) {
  constexpr const char* kBarrier = "goes into a barrier";
  if (typeid(*in.detail) == typeid(MbarrierDetail)) {
    const auto& detail = static_cast<const MbarrierDetail&>(*in.detail);
    useUndefined(w, detail.base, mask, kAddress);
    useUndefined(w, detail.count, mask, kBarrier);
    useUndefined(w, detail.state, mask, kBarrier);
  } else {
    const auto& detail = static_cast<const BarrierDetail&>(*in.detail);
    for (Ref ref : {detail.id, detail.count, in.a}) useUndefined(w, ref, mask, kBarrier);
  }
  setUndefined(w, in.d, mask, 0, {});
  in.run(w, in, mask);
}

void call(Warp& w, const Instr& in, uint32_t mask) {
  const auto& detail = static_cast<const CallDetail&>(*in.detail);
  useUndefined(w, detail.pointer, mask, "decides which function is called");
  const Frame* frame = w.split->frame;
  if (in.run == callSystem) {
    for (size_t i = 0; i < detail.arguments.size(); ++i)
      for (uint32_t byte = 0; byte < detail.argumentBytes[i]; ++byte)
        useUndefinedParameter(w, detail.arguments[i] + byte, mask, "is an argument of " + detail.system);
    for (size_t i = 0; i < detail.results.size(); ++i)
      for (uint32_t byte = 0; byte < detail.resultBytes[i]; ++byte)
        w.undefined.assign(frame, Undefined::kParameter | (detail.results[i] + byte), mask, 0, {});
  }
  in.run(w, in, mask);
}

bool exchanges(const Instr& in) {
  return in.run == shuffle || in.run == voteLanes || in.run == matchLanes || in.run == reduceLanes ||
         in.run == electLane || in.run == syncWarp;
}

// An instruction of a kind that nothing above knows: rather a report too many than one lost.
void unknown(Warp& w, const Instr& in, uint32_t mask) {
  if (w.undefined.within(w.split->frame, mask))
    report(w, Check::uninitialized, __builtin_ctz(mask), 0,
           "the thread has undefined values, and what the instruction does with them is not known");
  in.run(w, in, mask);
}

void withoutDetail(Warp& w, const Instr& in, uint32_t mask) {
  std::string_view op = w.function->opcodes[w.pc];
  if (startsWith(op, "selp") || startsWith(op, "slct")) return choose(w, in, mask, op);
  if (startsWith(op, "setp")) return compare(w, in, mask);
  if (startsWith(op, "and.") || startsWith(op, "or.")) return logic(w, in, mask, op);
  bool reads = startsWith(op, "addc") || startsWith(op, "subc") || startsWith(op, "madc");
  if (reads || op.find(".cc.") != std::string_view::npos) return carry(w, in, mask);
  plain(w, in, mask);
}

void execute(Warp& w, const Instr& in, uint32_t mask) {
  if (exchanges(in)) {
    in.run(w, in, mask);  // calls back when the lanes have met
  } else if (in.run == jump || in.run == exitLanes || in.run == returnLanes) {
    if (in.run == exitLanes) w.undefined.dropLanes(mask);
    in.run(w, in, mask);
  } else if (in.run == branch || in.run == branchIndexed) {
    useUndefined(w, in.a, mask, "decides where the thread goes");
    in.run(w, in, mask);
  } else if (in.detail == nullptr) {
    withoutDetail(w, in, mask);
  } else {
    const std::type_info& detail = typeid(*in.detail);
    if (detail == typeid(MemoryDetail) || detail == typeid(MatrixDetail) || detail == typeid(FragmentDetail))
      access(w, in, mask);
    else if (detail == typeid(AtomicDetail))
      atomic(w, in, mask);
    else if (detail == typeid(PackDetail) || detail == typeid(ConvertDetail))
      plain(w, in, mask);
    else if (detail == typeid(MmaDetail))
      product(w, in, mask);
    else if (detail == typeid(CopyDetail))
      copy(w, in, mask);
    else if (detail == typeid(MbarrierDetail) || detail == typeid(BarrierDetail))
      barrierOperands(w, in, mask);
    else if (detail == typeid(CallDetail))
      call(w, in, mask);
    else
      unknown(w, in, mask);
  }
}

}  // namespace

void runUndefined(Warp& w, const Instr& in, uint32_t mask, uint32_t guarded) {
  useUndefined(w, in.guard, mask, "decides whether the instruction is executed");
  if (guarded != 0) execute(w, in, guarded);
}

void shuffleUndefined(Warp& w, const Instr& in, uint32_t mask, const int* from) {
  useUndefined(w, in.e, mask, "names the lanes that take part");
  Sources control(w), value(w);
  control.add(in.b), control.add(in.c);
  value.add(in.a);
  uint32_t lanes = control.lanes;
  for (int lane = 0; lane < 32; ++lane) lanes |= (value.lanes >> from[lane] & 1) << lane;
  setUndefined(w, in.d, mask, lanes, value.lanes != 0 ? value.origin : control.origin);
  setUndefined(w, static_cast<const ShuffleDetail&>(*in.detail).valid, mask, control.lanes, control.origin);
}

void exchangeUndefined(Warp& w, const Instr& in, uint32_t mask) {
  Ref named = in.run == syncWarp ? in.a : in.e;
  useUndefined(w, named, mask, "names the lanes that take part");
  if (in.run == syncWarp) return;
  Sources sources(w);
  uint32_t decides = 0;  // lanes whose defined vote decides the result of their group alone
  if (in.run != electLane) sources.add(in.a);
  if (in.run == voteLanes && in.flags < 2)
    decides = (in.flags == 0 ? ~predicate(w, in.a) : predicate(w, in.a)) & ~sources.lanes;
  uint32_t result = 0;
  for (int lane = 0; lane < 32; ++lane) {
    uint32_t group = lanes<uint32_t>(w, named)[lane] & mask;
    bool undefined = (sources.lanes & group) != 0 && (decides & group) == 0;
    result |= static_cast<uint32_t>(undefined) << lane;
  }
  setUndefined(w, in.d, mask, result, sources.origin);
  if (in.run == matchLanes || in.run == electLane) setUndefined(w, in.b, mask, result, sources.origin);
}

}  // namespace softcuda
