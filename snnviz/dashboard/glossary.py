"""The words of the pages, each explained once."""

TERMS: dict[str, str] = {
    "ANN accuracy": "Accuracy of the ordinary (analog) network that was converted, on the same items. Thin dotted line.",
    "peak accuracy": "The best accuracy that the spiking network has at any step.",
    "threshold": "The accuracy to be reached. Marks show when, and at what cost, each network first reaches it.",
    "time to threshold": "The first time step at which the accuracy is at or above the threshold. "
    "If that never happens: one more than the number of steps, marked * because it is an underestimate.",
    "events to threshold": "Synaptic events per item spent up to the step at which the threshold is reached. "
    "If it never is: all of them, marked *.",
    "Pareto latency": "Sum over all steps of (reference - accuracy) / reference, in time steps: the time lost to wrong answers. "
    "Lower is better; below 0 the network beats its reference.",
    "Pareto power": "The same sum with every step weighted by its synaptic events: the work spent while answers were wrong. "
    "Lower is better.",
    "Pareto front": "The runs that no other run beats in accuracy, Pareto latency and Pareto power at once.",
    "reference": "The accuracy that Pareto latency and power measure against: the ANN's, or the network's own peak.",
    "synaptic event": "One spike arriving through one nonzero synapse. The events of a simulation are the cost of running it "
    "on event-driven hardware.",
    "camera event": "One message of a pixel of an event camera, that it became brighter or darker. They come in; synaptic events "
    "are what the network makes of them.",
    "spike rate": "Spikes per neuron in one time step, mean over the layer's neurons and over all items. "
    "The output layer never fires and is left out.",
    "event share": "The part of all synaptic events that arrive at a layer. The input layer receives none.",
    "time step": "One update of every neuron. Spikes travel through all layers within a step, unless a delay was chosen.",
    "anytime": "A spiking network has an answer after every step. It can be stopped at any time; the answer improves with time "
    "and with the events spent.",
    "run": "One training, fine-tuning, optimisation or simulation, with its settings, what it recorded and its files.",
    "waiting": "It waits for its turn: one heavy job runs at a time.",
    "finished": "It has done all it was asked to do.",
    "failed": "It ended by a mistake, or its process was killed. Where it had saved its state it can go on.",
    "cancelled": "Somebody stopped it, from here or by Ctrl-C. It can go on from what it had saved.",
    "prediction strip": "The answer to one item after each step, as a band that is blue while the answer is right and orange while "
    "it is wrong.",
    "class score": "What the output layer says about each class: its membrane potential, in units of the firing threshold. "
    "The class with the highest is the answer.",
    "raster": "Time across, neurons down, a mark for every spike.",
    "confusion matrix": "How many items of each true class get each answer.",
    "confidence cut-off": "Stopping an item once the two best classes differ enough (softmax margin). Easy items then cost little.",
    "never right": "Items whose answer is wrong after every step.",
    "late": "Items that settle on the right answer, the latest first.",
    "wavering": "Items whose answer changes, the most changes first.",
    "L_SNN": "The loss of an optimisation: weight times (1 - peak accuracy), plus Pareto latency and power, each relative to "
    "the network it began with.",
    "scale": "A factor on what a neuron or channel sends on. A larger one makes it fire more often: earlier answers, more events.",
    "evaluation": "One network that the search has tried: simulated on the held-out items and given its loss.",
    "held out": "Items of the training set that are not learned from, by which choices are made. The test set is left for the end.",
    "S_a": "Fraction of activations that are zero, over all hidden ReLU outputs.",
    "S_w": "Fraction of synapses whose weight is zero; a shared weight of a convolution counts for each connection it makes.",
    "S_c": "Fraction of synaptic events that need not happen: 1 - (1 - S_a)(1 - S_w).",
    "lambda_a": "Strength of the penalty on active neurons.",
    "lambda_w": "Strength of the penalty on large weights.",
    "weigh": "How both penalties are divided among layers: by their neurons and synapses, as in the paper, or by the synaptic "
    "events expected of them.",
    "epsilon": "Weights smaller than this are set to zero after fine-tuning.",
    "levels": "Training with activations rounded to so many values above zero, as many as a neuron can fire spikes in that many "
    "steps: the converted network then answers early.",
    "pruning curve": "Accuracy against the fraction of zero synapses, for growing limits of pruning.",
    "synapse": "A connection from one neuron to another; a shared weight of a convolution makes many.",
    "energy estimate": "Synaptic events and neuron updates times energy constants from publications. Static power, memory and "
    "communication of a real system are left out.",
    "saturated": "Fraction of analog activations above 1, which no firing rate reaches.",
    "dead": "Fraction of neurons that were never active on these items.",
    "active": "Fraction of analog activations above 0.",
    "layer scale": "What the classifier's activations were multiplied by, so that firing rates can stand for them; the median "
    "where each channel has its own.",
    "rate error": "Mean distance between firing rate and analog activation (at most 1), over items and neurons.",
    "rate bias": "Mean of firing rate minus analog activation (at most 1). Above 0 neurons fire too often, below 0 too rarely.",
    "fan-in": "The most synapses that end at one neuron of the layer.",
    "fan-out": "The most synapses that one neuron of the layer sends to.",
    "burst": "The most spikes that the layer sends in one step, over all items.",
    "arrivals": "The most spikes that reach one core in one step, over all items. A core that gets too many falls behind.",
    "shifts": "The chip sums weights as whole numbers; by so many bits they are shifted, for excitation and for inhibition. A "
    "larger shift leaves room for larger sums, and rounds weights more coarsely.",
    "lost weights": "Weights so small that they round to zero on the chip.",
    "core": "One processor of a SpiNNaker chip. A chip has 18, of which some are for the system.",
    "routing entry": "A line in a chip's table, which says where spikes go on to.",
}
