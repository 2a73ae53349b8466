#!/bin/sh
# brainpy 2.8.2, brainpy.state.IF: its documentation calls it a perfect integrator, without any leak. It leaks: the membrane moves
# towards R I with time constant tau. A current of 0.9 mA at 1 ohm never comes to the threshold of 1 mV, however long it flows, and
# a membrane that was charged falls without input. An integrator without leak, v += I dt / tau, would fire after 6 steps of 1 ms.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --no-compile brainpy==2.8.2 brainpy-state==0.1.0 brainstate==0.5.4 brainunit==0.5.2 jax==0.10.2
JAX_PLATFORMS=cpu "$folder/venv/bin/python" -W ignore - <<'PYTHON'
import sys

import brainpy
import brainstate
import brainunit as u

STEPS, CURRENT, TAU = 1000, 0.9, 5.0


def run(current, start):
    """Spikes in all steps and the membrane after each, in mV."""
    neuron = brainpy.state.IF(1, tau=TAU * u.ms, V_th=1.0 * u.mV)
    brainstate.nn.init_all_states(neuron)
    neuron.V.value = neuron.V.value + start * u.mV
    spikes, membrane = 0, []
    with brainstate.environ.context(dt=1.0 * u.ms):
        for step in range(STEPS):
            with brainstate.environ.context(t=step * u.ms, i=step):
                spikes += float(neuron.update(current * u.mA)[0])
            membrane.append(float(neuron.V.value[0] / u.mV))
    return spikes, membrane


spikes, membrane = run(CURRENT, 0.0)
_, alone = run(0.0, 0.5)
expected = CURRENT * STEPS / TAU
print(f"{CURRENT} mA for {STEPS} ms: {spikes:.0f} spikes, an integrator has {expected:.0f}; membrane at the end {membrane[-1]:.4f} mV")
print(f"0.5 mV without input, after 1, 5 and 20 ms: {alone[0]:.4f}, {alone[4]:.4f}, {alone[19]:.4f} mV")
seen = spikes == 0 and abs(membrane[-1] - CURRENT) < 1e-3 and 0.15 < alone[4] < 0.25 and alone[19] < 0.02
print("as found" if seen else "changed")
sys.exit(not seen)
PYTHON
