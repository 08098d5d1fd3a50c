// Handlers outside lanes/: those that see more than registers.
#pragma once

#include "program/details.h"
#include "program/program.h"

namespace softcuda {

// control.cpp
void jump(Warp&, const Instr&, uint32_t);
void branch(Warp&, const Instr&, uint32_t);
void branchIndexed(Warp&, const Instr&, uint32_t);
void callFunction(Warp&, const Instr&, uint32_t);
void callSystem(Warp&, const Instr&, uint32_t);
void returnLanes(Warp&, const Instr&, uint32_t);
void exitLanes(Warp&, const Instr&, uint32_t);
void trapLanes(Warp&, const Instr&, uint32_t);
void yieldWarp(Warp&, const Instr&, uint32_t);
void nothing(Warp&, const Instr&, uint32_t);
void barrier(Warp&, const Instr&, uint32_t);
void syncWarp(Warp&, const Instr&, uint32_t);
void memoryFence(Warp&, const Instr&, uint32_t);

// exchange.cpp
void shuffle(Warp&, const Instr&, uint32_t);
void voteLanes(Warp&, const Instr&, uint32_t);
void matchLanes(Warp&, const Instr&, uint32_t);
void reduceLanes(Warp&, const Instr&, uint32_t);
void activeLanes(Warp&, const Instr&, uint32_t);
void electLane(Warp&, const Instr&, uint32_t);

// pack.cpp
void packLanes(Warp&, const Instr&, uint32_t);
void unpackLanes(Warp&, const Instr&, uint32_t);
void moveWide(Warp&, const Instr&, uint32_t);
void readClock32(Warp&, const Instr&, uint32_t);
void readClock64(Warp&, const Instr&, uint32_t);
void testSpace(Warp&, const Instr&, uint32_t);

// access.cpp, atomic.cpp
Handler loadHandler(const MemoryDetail&);
Handler storeHandler(const MemoryDetail&);
void atomicAccess(Warp&, const Instr&, uint32_t);

// matrix.cpp
void loadMatrix(Warp&, const Instr&, uint32_t);
void storeMatrix(Warp&, const Instr&, uint32_t);
void moveMatrix(Warp&, const Instr&, uint32_t);
void loadFragment(Warp&, const Instr&, uint32_t);
void storeFragment(Warp&, const Instr&, uint32_t);
void requireWholeWarp(Warp& w, uint32_t mask);  // what .aligned asks for
void beginProduct(Warp& w, const MmaDetail& product, uint32_t mask);

// copy.cpp, mbarrier.cpp
void copyAsync(Warp&, const Instr&, uint32_t);
void copyBulk(Warp&, const Instr&, uint32_t);
void commitCopies(Warp&, const Instr&, uint32_t);
void waitCopies(Warp&, const Instr&, uint32_t);
void waitAllCopies(Warp&, const Instr&, uint32_t);
void arriveAfterCopies(Warp&, const Instr&, uint32_t);
void mbarrierAccess(Warp&, const Instr&, uint32_t);

}  // namespace softcuda
