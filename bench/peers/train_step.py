"""One Top-K SAE training step in PyTorch on the CPU, the way the field's trainers write it.

    python3 -m pip install torch==2.13.0
    python3 bench/peers/train_step.py [--d 576] [--features 4096] [--k 32] [--rows 1024] [--steps 12]

Prints one JSON object: rows per second, median over steps after two that warm up.
Dense encode, torch.topk, gathered decode, FVU loss, unit-norm decoder with its gradient projected, Adam.
"""

import argparse
import json
import statistics
import time

import torch


def main() -> None:
    options = argparse.ArgumentParser()
    options.add_argument("--d", type=int, default=576)
    options.add_argument("--features", type=int, default=4096)
    options.add_argument("--k", type=int, default=32)
    options.add_argument("--rows", type=int, default=1024)
    options.add_argument("--steps", type=int, default=12)
    options.add_argument("--threads", type=int, default=0)
    o = options.parse_args()
    if o.threads:
        torch.set_num_threads(o.threads)
    torch.manual_seed(0)
    w_dec = torch.nn.functional.normalize(torch.randn(o.features, o.d), dim=1).requires_grad_()
    w_enc = w_dec.detach().T.contiguous().requires_grad_()
    b_enc = torch.zeros(o.features, requires_grad=True)
    b_dec = torch.zeros(o.d, requires_grad=True)
    adam = torch.optim.Adam([w_enc, b_enc, w_dec, b_dec], lr=1e-3)
    seconds = []
    for _ in range(o.steps):
        x = torch.randn(o.rows, o.d)
        begin = time.perf_counter()
        z = (x - b_dec) @ w_enc + b_enc
        values, indices = torch.topk(z, o.k, dim=1)
        a = torch.relu(values)
        x_hat = torch.nn.functional.embedding_bag(indices, w_dec, per_sample_weights=a, mode="sum") + b_dec
        loss = (x - x_hat).pow(2).sum() / (x - x.mean(0)).pow(2).sum()
        adam.zero_grad()
        loss.backward()
        with torch.no_grad():
            w_dec.grad -= (w_dec.grad * w_dec).sum(1, keepdim=True) * w_dec
        adam.step()
        with torch.no_grad():
            w_dec /= w_dec.norm(dim=1, keepdim=True)
        seconds.append(time.perf_counter() - begin)
    steady = seconds[2:]
    print(json.dumps({
        "peer": f"torch {torch.__version__}", "threads": torch.get_num_threads(), "d": o.d,
        "n_features": o.features, "k": o.k, "rows": o.rows,
        "rows_per_s": round(o.rows / statistics.median(steady)),
        "rows_per_s_slowest": round(o.rows / max(steady)), "rows_per_s_fastest": round(o.rows / min(steady)),
    }))


if __name__ == "__main__":
    main()
