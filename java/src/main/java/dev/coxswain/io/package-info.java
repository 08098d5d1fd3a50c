/** Files: safetensors, JSON, JSON lines, atomic output, and rows streamed from many shards. */
package dev.coxswain.io;
