/** The engine's front door: {@code Engine.open(Device)} and what hangs on it. */
package dev.coxswain;
