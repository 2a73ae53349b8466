TITLE Non-leaky integrate-and-fire neuron of snnviz, threshold 1, in time steps of 1 ms

COMMENT
The k-th time step takes place at t = (k - 1) + phase ms:

    m <- m + f + bias,    spike where m >= 1,    m <- m - 1 (subtract) or 0 after a spike

where f is the sum of the weights of the events that have arrived since the step before. During the first `clamp` steps, and
for `refractory` steps after a spike, m is frozen and what arrives is lost. A neuron with `fires` 0 only integrates.
ENDCOMMENT

NEURON {
    ARTIFICIAL_CELL SnnvizIF
    RANGE m, m0, bias, phase, fires, subtract, refractory, clamp
    RANGE arrived, done, frozen
}

PARAMETER {
    m0 = 0.5
    bias = 0
    phase = 0.5 (ms)
    fires = 1
    subtract = 1
    refractory = 0
    clamp = 0
}

ASSIGNED {
    m
    arrived : f
    done    : time steps so far
    frozen  : the last step that does nothing
}

INITIAL {
    m = m0
    arrived = 0
    done = 0
    frozen = clamp
    net_send(phase, 1)
}

NET_RECEIVE (w) {
    if (flag == 0) {
        arrived = arrived + w
    } else {
        done = done + 1
        if (done > frozen) {
            m = m + arrived + bias
            if (fires && m >= 1) {
                if (subtract) {
                    m = m - 1
                } else {
                    m = 0
                }
                frozen = done + refractory
                net_event(t)
            }
        }
        arrived = 0
        net_send(1, 1)
    }
}
