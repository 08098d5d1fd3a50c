/** The whole loop on a real language model, as steps whose results are kept. */
package dev.coxswain.demo;
