#!/usr/bin/env python3
"""nb sim beside simpy: events per second of M/M/1 at 80 % load, one replication, one core, in turns, each in a process of its own.

Usage: simulation.py path/to/nb [--rounds 5] [--customers 20000000] [--peer-customers 200000]
An event is an arrival or a departure. nb's figure is its own clock's, with the look for the warm-up inside; simpy's is around its run, its
start outside. Both mean response times stand beside 1/(mu - lambda). Without simpy nb stands alone. Prints numbers, judges nothing.
"""
import argparse
import json
import statistics
import subprocess
import sys

PEER = """
import random, sys, time
import simpy
customers, service = int(sys.argv[1]), 0.02
r = random.Random(int(sys.argv[2]))
env = simpy.Environment()
server = simpy.Resource(env, capacity=1)
total = done = 0
def customer():
    global total, done
    came = env.now
    with server.request() as turn:
        yield turn
        yield env.timeout(r.expovariate(1 / service))
    total += env.now - came
    done += 1
def source():
    for _ in range(customers):
        yield env.timeout(r.expovariate(0.8 / service))
        env.process(customer())
env.process(source())
began = time.perf_counter()
env.run()
print(2 * done / (time.perf_counter() - began), total / done * 1e3)
"""


def main():
    parse = argparse.ArgumentParser()
    parse.add_argument("nb")
    parse.add_argument("--rounds", type=int, default=5)
    parse.add_argument("--customers", type=int, default=20_000_000)
    parse.add_argument("--peer-customers", type=int, default=200_000)
    given = parse.parse_args()
    has_peer = subprocess.run([sys.executable, "-c", "import simpy"], stderr=subprocess.DEVNULL).returncode == 0
    ours, theirs, means, peer_means = [], [], [], []
    for seed in range(1, given.rounds + 1):
        done = subprocess.run([given.nb, "sim", "mm1", "--json", "--seed", str(seed), "--set", "rho=0.8", "--set", "replications=1",
                               "--set", f"customers={given.customers}"], capture_output=True, check=True)
        found = json.loads(done.stdout)
        ours.append(found["engine"]["events_per_second"])
        means.append(found["metrics"]["mean"]["value"] / 1e6)
        if has_peer:
            done = subprocess.run([sys.executable, "-c", PEER, str(given.peer_customers), str(seed)], capture_output=True, check=True, text=True)
            speed, mean = map(float, done.stdout.split())
            theirs.append(speed)
            peer_means.append(mean)
    print(f"nb sim     {statistics.median(ours) / 1e6:8.2f} million events/s [{min(ours) / 1e6:.2f}, {max(ours) / 1e6:.2f}]"
          f"  mean {statistics.mean(means):.2f} ms (theory 100)")
    if not has_peer:
        print("simpy      not installed: pip install simpy")
        return
    print(f"simpy      {statistics.median(theirs) / 1e6:8.3f} million events/s [{min(theirs) / 1e6:.3f}, {max(theirs) / 1e6:.3f}]"
          f"  mean {statistics.mean(peer_means):.2f} ms")
    ratios = sorted(a / b for a, b in zip(ours, theirs))
    print(f"ratio      {statistics.median(ratios):8.0f} x [{ratios[0]:.0f}, {ratios[-1]:.0f}]")


if __name__ == "__main__":
    main()
