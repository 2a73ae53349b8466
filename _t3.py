import time, numpy as np, gc
from tests.parity.networks import *
from snnviz.hardware.neuron import make_engine
from snnviz.simulation import Record
import neuron
def go(collect):
    network = KINDS["deep"](seed=3)
    settings = Settings(steps=9, delay=0)
    x=random_inputs(network, settings, items=3, seed=1)
    e=make_engine(network,settings,Record())
    if collect: gc.collect()
    b=time.perf_counter(); e._ready(); b1=time.perf_counter(); e.run(x); b2=time.perf_counter()
    return round(b1-b,3), round(b2-b1,3), int(neuron.h.List("SnnvizIF").count())
print([go(0) for _ in range(8)]); print([go(1) for _ in range(8)])
from pyNN.neuron import simulator, projections, Population
gc.collect()
import types
pops=[o for o in gc.get_objects() if isinstance(o,Population)]
print(len(pops), len(projections._projections), len(simulator.initializer.cell_list), len(simulator.initializer.population_list), len(simulator.state.gid_sources))
cells=[o for o in gc.get_objects() if type(o).__name__=="Neuron"]; print(len(cells))
ids=[o for o in gc.get_objects() if type(o).__name__=="ID"]; print(len(ids))
def show(o,depth=0,seen=set()):
    if depth>4: return
    for r in gc.get_referrers(o):
        if id(r) in seen or isinstance(r,types.FrameType) or r is pops or r is ids: continue
        seen.add(id(r)); print("  "*depth, type(r).__name__, repr(r)[:100]); 
        if not isinstance(r, types.ModuleType): show(r,depth+1,seen)
if len(pops)>30: show(pops[0])
