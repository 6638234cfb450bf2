package kubernetes_test

import (
	"encoding/json"
	"errors"
	"net/http"
	"path"
	"slices"
	"strconv"
	"sync"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

var configMaps = schema.GroupVersionResource{Version: "v1", Resource: "configmaps"}

type object = unstructured.Unstructured

// newMap returns a config map of one entry.
func newMap(name, value string) *object {
	return &object{Object: map[string]any{
		"apiVersion": "v1",
		"kind":       "ConfigMap",
		"metadata":   map[string]any{"name": name, "namespace": "default"},
		"data":       map[string]any{"key": value},
	}}
}

// An api is the part of an API server that has the config maps of one namespace, with optimistic locking and watches.
type api struct {
	mu      sync.Mutex
	maps    map[string]*object
	events  []event // the one at i made resourceVersion i+1
	done    []string
	lost    bool          // the answer to the next write is lost
	changed chan struct{} // closed and replaced when there is another event
	cut     chan struct{} // closed and replaced when the streams are cut
}

type event struct {
	Type   string  `json:"type"`
	Object *object `json:"object"`
}

func newAPI(names ...string) *api {
	a := &api{maps: make(map[string]*object), changed: make(chan struct{}), cut: make(chan struct{})}
	for _, name := range names {
		a.put(newMap(name, "old"), "ADDED")
	}
	return a
}

// put stores m as its next version. It needs a.mu, or nobody else.
func (a *api) put(m *object, kind string) {
	m.SetResourceVersion(strconv.Itoa(len(a.events) + 1))
	a.maps[m.GetName()] = m
	a.events = append(a.events, event{kind, m})
	close(a.changed)
	a.changed = make(chan struct{})
}

// set stores a value, as another client would.
func (a *api) set(name, value string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.put(newMap(name, value), "MODIFIED")
}

func (a *api) value(name string) string {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.maps[name] == nil {
		return ""
	}
	value, _, _ := unstructured.NestedString(a.maps[name].Object, "data", "key")
	return value
}

// lose loses the answer to the next write.
func (a *api) lose() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.lost = true
}

// cutStreams ends each watch in the middle of its stream.
func (a *api) cutStreams() {
	a.mu.Lock()
	defer a.mu.Unlock()
	close(a.cut)
	a.cut = make(chan struct{})
}

func (a *api) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	collection := path.Base(r.URL.Path) == configMaps.Resource
	switch {
	case r.URL.Query().Get("watch") == "true":
		a.stream(w, r)
	case collection && r.Method == http.MethodGet:
		a.list(w)
	case r.Method == http.MethodGet:
		a.answer(w, http.StatusOK, a.read(path.Base(r.URL.Path)))
	default:
		a.write(w, r)
	}
}

func (a *api) list(w http.ResponseWriter) {
	a.mu.Lock()
	defer a.mu.Unlock()
	items := []*object{}
	for _, m := range a.maps {
		items = append(items, m)
	}
	a.answer(w, http.StatusOK, map[string]any{
		"apiVersion": "v1",
		"kind":       "ConfigMapList",
		"metadata":   map[string]any{"resourceVersion": strconv.Itoa(len(a.events))},
		"items":      items,
	})
}

func (a *api) read(name string) any {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.maps[name] == nil {
		return apierrors.NewNotFound(configMaps.GroupResource(), name)
	}
	return a.maps[name]
}

// write carries out what changes something, and then loses the answer if it is to be lost.
func (a *api) write(w http.ResponseWriter, r *http.Request) {
	m := new(object)
	if r.Method != http.MethodDelete {
		if err := json.NewDecoder(r.Body).Decode(m); err != nil {
			a.answer(w, http.StatusBadRequest, apierrors.NewBadRequest(err.Error()))
			return
		}
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	answer := a.apply(r.Method, path.Base(r.URL.Path), m)
	if a.lost {
		a.lost = false
		panic(http.ErrAbortHandler)
	}
	a.answer(w, http.StatusOK, answer)
}

func (a *api) apply(method, name string, m *object) any {
	resource := configMaps.GroupResource()
	if method == http.MethodPost {
		name = m.GetName()
	}
	old := a.maps[name]
	switch {
	case method == http.MethodPost && old != nil:
		return apierrors.NewAlreadyExists(resource, name)
	case method != http.MethodPost && old == nil:
		return apierrors.NewNotFound(resource, name)
	case method == http.MethodPut && m.GetResourceVersion() != old.GetResourceVersion():
		return apierrors.NewConflict(resource, name, errors.New("it has been modified"))
	}
	a.done = append(a.done, method)
	if method == http.MethodDelete {
		delete(a.maps, name)
		a.events = append(a.events, event{"DELETED", old})
		return old
	}
	a.put(m, map[string]string{http.MethodPost: "ADDED", http.MethodPut: "MODIFIED"}[method])
	return m
}

// answer writes an object, or the status of an error.
func (a *api) answer(w http.ResponseWriter, code int, body any) {
	if failed, ok := body.(apierrors.APIStatus); ok {
		status := failed.Status()
		status.Kind, status.APIVersion = "Status", "v1"
		code, body = int(status.Code), status
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(code)
	_ = json.NewEncoder(w).Encode(body)
}

// stream sends the events after a version as they come, until the client goes or the streams are cut.
func (a *api) stream(w http.ResponseWriter, r *http.Request) {
	next, _ := strconv.Atoi(r.URL.Query().Get("resourceVersion"))
	w.Header().Set("Content-Type", "application/json")
	a.mu.Lock()
	cut := a.cut
	a.mu.Unlock()
	for {
		a.mu.Lock()
		events, changed := slices.Clone(a.events[next:]), a.changed
		a.mu.Unlock()
		next += len(events)
		for _, e := range events {
			_ = json.NewEncoder(w).Encode(e)
		}
		_ = http.NewResponseController(w).Flush()
		select {
		case <-changed:
		case <-cut:
			panic(http.ErrAbortHandler)
		case <-r.Context().Done():
			return
		}
	}
}
